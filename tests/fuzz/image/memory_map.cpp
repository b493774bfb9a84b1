// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

#include "memory_map.hpp"

#include "check.hpp"

#include <cstring>
#include <sanitizer/asan_interface.h>
#include <sys/mman.h>

namespace fuzz {
namespace {

constexpr std::size_t page = 4096;

} // namespace

MemoryMap::MemoryMap(std::span<const std::byte> content, pmem2_granularity granularity)
    : pages_((content.size() + page - 1) / page * page), map_{nullptr, content.size(), granularity}
{
    void *address = mmap(nullptr, pages_ + 2 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    check(address != MAP_FAILED, "mmap");
    map_.address = static_cast<std::byte *>(address) + page;
    forbid_stores(false);
    std::memcpy(base(), content.data(), content.size());
    ASAN_POISON_MEMORY_REGION(base() + map_.size, pages_ - map_.size);
}

MemoryMap::~MemoryMap()
{
    ASAN_UNPOISON_MEMORY_REGION(base() + map_.size, pages_ - map_.size);
    munmap(base() - page, pages_ + 2 * page);
}

void MemoryMap::forbid_stores(bool forbidden)
{
    check(mprotect(base(), pages_, forbidden ? PROT_READ : PROT_READ | PROT_WRITE) == 0, "mprotect");
}

} // namespace fuzz

// Instead of libpmem2's.
extern "C" {

void *pmem2_map_get_address(pmem2_map *map)
{
    return map->address;
}

std::size_t pmem2_map_get_size(pmem2_map *map)
{
    return map->size;
}

pmem2_granularity pmem2_map_get_store_granularity(pmem2_map *map)
{
    return map->granularity;
}

pmem2_flush_fn pmem2_get_flush_fn(pmem2_map *)
{
    return [](const void *, std::size_t) {};
}

pmem2_drain_fn pmem2_get_drain_fn(pmem2_map *)
{
    return [] {};
}

} // extern "C"
