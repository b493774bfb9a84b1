// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

#include "medium/medium.hpp"

#include "base/arithmetic.hpp"

#include <sys/mman.h>
#include <unistd.h>

namespace pms {
namespace {

Granularity granularity_of(pmem2_map *map) noexcept
{
    switch (pmem2_map_get_store_granularity(map)) {
    case PMEM2_GRANULARITY_BYTE:
        return Granularity::byte;
    case PMEM2_GRANULARITY_CACHE_LINE:
        return Granularity::cache_line;
    case PMEM2_GRANULARITY_PAGE:
        break;
    }
    return Granularity::page;
}

} // namespace

Medium::Medium(pmem2_map *map)
    : base_(static_cast<std::byte *>(pmem2_map_get_address(map))), size_(pmem2_map_get_size(map)),
      granularity_(granularity_of(map)), flush_(pmem2_get_flush_fn(map)), drain_(pmem2_get_drain_fn(map)),
      syncs_(std::make_shared<Syncs>())
{}

void Medium::prefault() noexcept
{
    const auto page = static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
#ifdef MADV_POPULATE_WRITE
    if (madvise(base_, align_up(size_, page), MADV_POPULATE_WRITE) == 0)
        return;
#endif
    for (std::uint64_t offset = 0; offset < size_; offset += page)
        static_cast<void>(*reinterpret_cast<const volatile std::byte *>(base_ + offset));
}

Error Medium::sync(std::uint64_t offset, std::size_t size, Site) noexcept
{
    // libpmem2's own persist function aborts the process when msync fails; a log has to tell its callers instead.
    const auto page = static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
    const auto address = reinterpret_cast<std::uintptr_t>(base_) + offset;
    const std::uintptr_t begin = align_down(address, page);
    const std::lock_guard guard(syncs_->mutex);
    if (!syncs_->failed)
        syncs_->failed = msync(reinterpret_cast<void *>(begin), address + size - begin, MS_SYNC) != 0;
    return syncs_->failed ? Error::medium_failed : Error::none;
}

} // namespace pms
