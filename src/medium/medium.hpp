// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// The only way by which this library writes to a stream's file: every store, copy, flush, fence and sync goes through
// Medium. It is a concrete class with inline members, so that it costs nothing; tests compile the same library against
// another class of this name (tests/support/simulated_medium) that records what it is told and makes crash states of
// it.
//
// What each granularity promises is told in docs/crash_consistency.md.
#pragma once

#include "base/error.hpp"
#include "base/move_bytes.hpp"

#include <libpmem2.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <mutex>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace pms {

enum class Granularity : std::uint8_t {
    byte,       // a store is durable once it is globally visible (eADR)
    cache_line, // a store is durable once its line was flushed and the thread that flushed it fenced
    page,       // a store is durable once a sync of its page returned 0
};

class Medium {
public:
    // A locked instruction between data and header costs a second fence, so that up to here an entry takes its
    // timestamp first: writing it takes about as long as the fence.
    static constexpr std::uint64_t one_fence_entry = 4096;
    // Of these, up to here it is copied to the stack first: with more, those stores would wait for the last append's
    // fence, and it is read twice.
    static constexpr std::uint64_t small_entry = 768;

    // Where in the source a step is taken. The tests' medium wants to know; here it is nothing.
    struct Site {
        static constexpr Site current() noexcept { return {}; }
    };

    // What else is known of the file that is mapped, as a whole.
    struct File {
        int descriptor = -1;         // open on it, and outlives the Medium
        std::uint64_t most_size = 0; // that it can have in this place; less than now: it stays as it is
    };

    explicit Medium(pmem2_map *map) : Medium(map, File{}) {}
    // Throws std::bad_alloc.
    Medium(pmem2_map *map, const File &file);

    const std::byte *base() const noexcept { return base_; }
    std::uint64_t size() const noexcept { return size_; }
    Granularity granularity() const noexcept { return granularity_; }
    const std::byte *at(std::uint64_t offset) const noexcept { return base_ + offset; }

    // The file has grown, and more of it is mapped: waits until its new end is durable. A sync as the one below.
    Error grown(std::uint64_t size, Site = Site::current()) noexcept;

    // A word that other processes look at, and nobody after a crash: no part of what is made durable.
    std::uint64_t *volatile_word(std::uint64_t offset) noexcept
    {
        return reinterpret_cast<std::uint64_t *>(base_ + offset);
    }

    // Has every page present, as far as the operating system helps.
    void prefault() noexcept;

    // Has the pages of the range present and writable, and changes nothing: what its owner wrote behind a reservation,
    // or is writing, may lie there. `begin` and `end` are multiples of 8.
    // Tells whether to sync the range at once: a file's allocated blocks count as unwritten until they are written for
    // the first time, and a sync that writes such a one commits the file system's journal, too. On ext4 that takes as
    // long again as the sync.
    bool have_present(std::uint64_t begin, std::uint64_t end) noexcept;
    // The same of a word's page alone. On page-granular media the page is written back by the next sync.
    void have_word_present(std::uint64_t offset) const noexcept
    {
        __atomic_fetch_or(reinterpret_cast<std::uint64_t *>(base_ + offset), 0, __ATOMIC_RELAXED);
    }

    // An aligned 8-byte load, atomic.
    std::uint64_t load(std::uint64_t offset) const noexcept
    {
        return __atomic_load_n(reinterpret_cast<const std::uint64_t *>(base_ + offset), __ATOMIC_ACQUIRE);
    }

    // An aligned 8-byte store, atomic for readers and in its durability.
    void store(std::uint64_t offset, std::uint64_t value, Site = Site::current()) noexcept
    {
        __atomic_store_n(reinterpret_cast<std::uint64_t *>(base_ + offset), value, __ATOMIC_RELEASE);
    }

    // Stores the words of the range as they are: after a failed writeback a page of a file may be clean in the cache
    // and not on the disk, and only what is stored anew is written by the next sync.
    void store_again(std::uint64_t offset, std::size_t size) noexcept
    {
        for (const std::uint64_t end = offset + size; offset < end; offset += sizeof(std::uint64_t))
            store(offset, load(offset));
    }

    // Ordinary stores. To be flushed before a fence or a sync makes them durable.
    // `source` may lie in the stream itself.
    void copy(std::uint64_t offset, const void *source, std::size_t size) noexcept
    {
        move_bytes(base_ + offset, source, size);
    }

    void zero(std::uint64_t offset, std::size_t size) noexcept { std::memset(base_ + offset, 0, size); }

    // Stores that bypass the caches where the processor can: durable by this thread's next fence, without a flush.
    // `offset` and `size` are multiples of 8. Must not be used on page-granular media (there is no fence to make it
    // durable).
    void stream(std::uint64_t offset, const void *source, std::size_t size) noexcept;
    // The same of two words.
    void stream(std::uint64_t offset, std::uint64_t first, std::uint64_t second) noexcept;

    // The same of any size, padded with zeros to a multiple of 8. `source` is read once. Gives the hash of what was
    // stored. `offset` is a multiple of 8.
    std::uint64_t stream_and_hash(std::uint64_t offset, const void *source, std::size_t size,
                                  std::uint64_t seed) noexcept;

    // Starts writing back the lines of the range. Not for page-granular media.
    void flush(std::uint64_t offset, std::size_t size, Site = Site::current()) noexcept
    {
        flush_(base_ + offset, size);
    }

    // Waits until what this thread flushed or streamed is durable. Not for page-granular media.
    void fence(Site = Site::current()) noexcept
    {
#if defined(__x86_64__)
        _mm_sfence();
#else
        drain_();
#endif
    }

    // Page-granular media: waits until the pages of the range are durable. A sync that failed must not be tried again,
    // since the kernel may have dropped the pages: from then on every sync of this map fails, without trying.
    Error sync(std::uint64_t offset, std::size_t size, Site = Site::current()) noexcept;

    // The place for others (a caller that reserved, a data mover) to write the range themselves ...
    void *writable(std::uint64_t offset, [[maybe_unused]] std::size_t size) noexcept
    {
        return base_ + offset;
    }

    // ... and the word that they have done so: by ordinary stores, or by others that they fenced.
    void written(std::uint64_t, std::size_t) noexcept {}

private:
    bool have_cached(std::uint64_t begin, std::uint64_t end) noexcept;
    void touch(std::uint64_t begin, std::uint64_t end, bool writes) const noexcept;

    // One sync at a time. Linux reports a failed writeback once for each open file: of two syncs at once one may be
    // given the error that concerns the other's pages (mm/filemap.c, file_check_and_advance_wb_err).
    struct Syncs {
        std::mutex mutex;
        bool failed = false;
    };

    template <typename Sync>
    Error sync_once(Sync sync) noexcept;

    std::byte *base_;
    std::uint64_t size_;
    Granularity granularity_;
    int descriptor_;
    pmem2_flush_fn flush_;
    pmem2_drain_fn drain_;
    // Copies of a Medium share these.
    std::shared_ptr<Syncs> syncs_;
    std::shared_ptr<std::atomic<std::uint64_t>[]> present_; // a bit for each chunk that was had present as a whole
};

inline void Medium::stream(std::uint64_t offset, const void *source, std::size_t size) noexcept
{
#if defined(__x86_64__)
    // Few stores: a processor holds only some tens of them behind a fence. None covers a byte outside
    // [offset, offset + size).
    std::byte *const to = base_ + offset;
    const auto *const from = static_cast<const std::byte *>(source);
    const auto word = [&](std::size_t at) {
        long long value = 0;
        std::memcpy(&value, from + at, sizeof value);
        _mm_stream_si64(reinterpret_cast<long long *>(to + at), value);
    };
    const auto pair = [&](std::size_t at) {
        _mm_stream_si128(reinterpret_cast<__m128i *>(to + at),
                         _mm_loadu_si128(reinterpret_cast<const __m128i *>(from + at)));
    };
    std::size_t at = 0;
    if (size != 0 && reinterpret_cast<std::uintptr_t>(to) % 16 != 0) {
        word(0);
        at = 8;
    }
    for (; at + 64 <= size; at += 64) {
        pair(at);
        pair(at + 16);
        pair(at + 32);
        pair(at + 48);
    }
    for (; at + 16 <= size; at += 16)
        pair(at);
    if (at != size)
        word(at);
#else
    copy(offset, source, size);
    flush(offset, size);
#endif
}

inline void Medium::stream(std::uint64_t offset, std::uint64_t first, std::uint64_t second) noexcept
{
#if defined(__x86_64__)
    std::byte *const to = base_ + offset;
    if (reinterpret_cast<std::uintptr_t>(to) % 16 == 0) {
        _mm_stream_si128(reinterpret_cast<__m128i *>(to),
                         _mm_set_epi64x(static_cast<long long>(second), static_cast<long long>(first)));
        return;
    }
    _mm_stream_si64(reinterpret_cast<long long *>(to), static_cast<long long>(first));
    _mm_stream_si64(reinterpret_cast<long long *>(to + 8), static_cast<long long>(second));
#else
    const std::uint64_t words[] = {first, second};
    stream(offset, words, sizeof words);
#endif
}

} // namespace pms
