// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

#include "medium/medium.hpp"

#include "base/arithmetic.hpp"
#include "base/checksum.hpp"
#include "base/kept_errno.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <fcntl.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <new>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

namespace pms {
namespace {

constexpr std::uint64_t memory_page = 4096;
// The unit in which Medium remembers what is present.
constexpr std::uint64_t chunk = 64 * 1024;
constexpr std::uint64_t word_bits = 64;

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

// Whether the file system has written all blocks of the range before. Also where it cannot tell: then it is one that
// allocates none (tmpfs). Without a descriptor nobody knows.
bool was_written(int descriptor, std::uint64_t begin, std::uint64_t end) noexcept
{
    if (descriptor < 0)
        return false;
    constexpr std::uint32_t most_extents = 16;
    alignas(fiemap) std::array<std::byte, sizeof(fiemap) + most_extents * sizeof(fiemap_extent)> room{};
    auto *const map = new (room.data()) fiemap{};
    map->fm_start = begin;
    map->fm_length = end - begin;
    map->fm_extent_count = most_extents;
    const KeptErrno kept;
    if (ioctl(descriptor, FS_IOC_FIEMAP, map) != 0)
        return true;
    constexpr std::uint32_t not_yet = FIEMAP_EXTENT_UNWRITTEN | FIEMAP_EXTENT_DELALLOC | FIEMAP_EXTENT_UNKNOWN;
    std::uint64_t known = begin;
    for (std::uint32_t i = 0; i < map->fm_mapped_extents; ++i) {
        fiemap_extent extent;
        std::memcpy(&extent, room.data() + sizeof(fiemap) + i * sizeof extent, sizeof extent);
        if (extent.fe_logical > known || (extent.fe_flags & not_yet) != 0)
            return false;
        known = extent.fe_logical + extent.fe_length;
    }
    return known >= end;
}

// How many words it takes to remember what is present. On pages that changes with each sync.
std::size_t remembered(Granularity granularity, std::uint64_t size) noexcept
{
    return granularity == Granularity::page ? 0 : size / chunk / word_bits + 1;
}

} // namespace

Medium::Medium(pmem2_map *map, const File &file)
    : base_(static_cast<std::byte *>(pmem2_map_get_address(map))), size_(pmem2_map_get_size(map)),
      granularity_(granularity_of(map)), descriptor_(file.descriptor), flush_(pmem2_get_flush_fn(map)),
      drain_(pmem2_get_drain_fn(map)), syncs_(std::make_shared<Syncs>()),
      present_(new std::atomic<std::uint64_t>[remembered(granularity_, std::max(size_, file.most_size))]())
{}

void Medium::prefault() noexcept
{
    const auto page = static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
    const KeptErrno kept;
#ifdef MADV_POPULATE_WRITE
    // A page of a file that is had present for writing is written back.
    const int how = granularity_ == Granularity::page ? MADV_POPULATE_READ : MADV_POPULATE_WRITE;
    // Other errors than EINVAL, of an older kernel, are of pages that cannot be had: touching them would end the
    // process.
    if (madvise(base_, align_up(size_, page), how) == 0 || errno != EINVAL)
        return;
#endif
    for (std::uint64_t offset = 0; offset < size_; offset += page)
        static_cast<void>(*reinterpret_cast<const volatile std::byte *>(base_ + offset));
}

bool Medium::have_present(std::uint64_t begin, std::uint64_t end) noexcept
{
    if (granularity_ == Granularity::page)
        return have_cached(begin, end);
    for (std::uint64_t next = 0; begin < end; begin = next) {
        next = std::min(end, align_up(begin + 1, chunk));
        std::atomic<std::uint64_t> &word = present_.get()[begin / chunk / word_bits];
        const std::uint64_t bit = std::uint64_t{1} << (begin / chunk % word_bits);
        if ((word.load(std::memory_order_relaxed) & bit) != 0)
            continue;
        touch(begin, next, true);
        if (next - begin == chunk)
            word.fetch_or(bit, std::memory_order_relaxed);
    }
    return false;
}

bool Medium::have_cached(std::uint64_t begin, std::uint64_t end) noexcept
{
    const KeptErrno kept;
    const bool writes = !was_written(descriptor_, begin, end);
    if (descriptor_ < 0) {
        touch(begin, end, writes);
        return writes;
    }
    // A store to a map dirties the whole folio that its page belongs to, and the next sync writes all of it. Linux
    // makes folios of many pages when it reads ahead: an append of a kilobyte then writes up to two megabytes.
    const auto page = static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
    const std::uint64_t first = align_down(begin, page);
    const std::uint64_t size = end - first;
    if (writes) {
        madvise(base_ + first, size, MADV_DONTNEED);
        posix_fadvise(descriptor_, static_cast<off_t>(first), static_cast<off_t>(size), POSIX_FADV_DONTNEED);
    }
    madvise(base_ + first, size, MADV_RANDOM);
    if (!writes)
        posix_fadvise(descriptor_, static_cast<off_t>(first), static_cast<off_t>(size), POSIX_FADV_WILLNEED);
    touch(begin, end, writes);
    madvise(base_ + first, size, MADV_NORMAL);
    return writes;
}

void Medium::touch(std::uint64_t begin, std::uint64_t end, bool writes) const noexcept
{
    for (std::uint64_t place = begin; place < end; place = align_up(place + 1, memory_page)) {
        static_cast<void>(load(place)); // first, so that Linux maps the pages around it, too
        if (writes)
            have_word_present(place);
    }
}

std::uint64_t Medium::stream_and_hash(std::uint64_t offset, const void *source, std::size_t size,
                                      std::uint64_t seed) noexcept
{
#if defined(__x86_64__)
    constexpr std::size_t much = 240; // to XXH3
    std::byte *const to = base_ + offset;
    if (size > much)
        return long_hash.stream_and_hash(to, source, size, seed);
#endif
    StreamingHash hash(seed);
    alignas(64) std::array<std::byte, 4096> buffer;
    for (std::size_t done = 0; done < size; done += buffer.size()) {
        const std::size_t now = std::min(buffer.size(), size - done);
        const std::size_t padded = align_up(now, std::size_t{8});
        std::memset(buffer.data() + padded - 8, 0, 8);
        std::memcpy(buffer.data(), static_cast<const std::byte *>(source) + done, now);
        stream(offset + done, buffer.data(), padded);
        hash.update(buffer.data(), now);
    }
    return hash.digest();
}

template <typename Sync>
Error Medium::sync_once(Sync sync) noexcept
{
    const std::lock_guard guard(syncs_->mutex);
    if (!syncs_->failed)
        syncs_->failed = sync() != 0;
    return syncs_->failed ? Error::medium_failed : Error::none;
}

Error Medium::sync(std::uint64_t offset, std::size_t size, Site) noexcept
{
    // libpmem2's own persist function aborts the process when msync fails; a log has to tell its callers instead.
    const auto page = static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
    const auto address = reinterpret_cast<std::uintptr_t>(base_) + offset;
    const std::uintptr_t begin = align_down(address, page);
    return sync_once([&] { return msync(reinterpret_cast<void *>(begin), address + size - begin, MS_SYNC); });
}

Error Medium::grown(std::uint64_t size, Site) noexcept
{
    size_ = std::max(size_, size);
    return sync_once([&] { return fsync(descriptor_); });
}

} // namespace pms
