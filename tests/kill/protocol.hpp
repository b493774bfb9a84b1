// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// What the writer and its parent share: what entries hold, and the memory in which the writer tells how far it is.
#pragma once

#include <libpmemstream.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

namespace kill_test {

constexpr int writers = 2;
constexpr std::uint64_t max_logged = 1 << 18; // entries of a writer in one round

// The writer's entries are numbered from 1 in each round. What it is told to do is plain words in shared memory, so
// that everything stored before a kill can be read after it.
struct Progress {
    std::atomic<std::uint64_t> acknowledged;  // every entry up to this number
    std::atomic<std::uint64_t> freeing_up_to; // stored before a region is freed: its last entry
    std::atomic<std::uint64_t> freed_up_to;   // stored behind it
    std::atomic<std::uint64_t> frees_begun;   // of regions, the one of earlier rounds first
    std::atomic<std::uint64_t> frees_done;
    std::uint64_t region;                              // the one of earlier rounds; UINT64_MAX: none
    std::atomic<std::uint64_t> timestamps[max_logged]; // by number, as soon as the writer knows it
};

struct Shared {
    std::uint64_t round;
    std::uint64_t seed;
    Progress writer[writers];
};

inline std::uint64_t mix(std::uint64_t value)
{
    value += 0x9e3779b97f4a7c15;
    value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9;
    value = (value ^ (value >> 27)) * 0x94d049bb133111eb;
    return value ^ (value >> 31);
}

// Each entry begins with its key; size and bytes follow from it.
struct Key {
    std::uint32_t round;
    std::uint32_t writer;
    std::uint64_t number;

    std::uint64_t seed() const { return mix(number ^ mix(round * 2ULL + writer)); }
    std::size_t size() const
    {
        const std::uint64_t value = seed();
        const std::size_t most = value % 8 == 0 ? 9000 : value % 8 < 3 ? 1500 : 200;
        return sizeof(Key) + (value >> 8) % most;
    }
    std::vector<std::byte> bytes() const
    {
        std::vector<std::byte> all(size());
        std::memcpy(all.data(), this, sizeof *this);
        for (std::size_t done = sizeof *this; done < all.size(); done += 8) {
            const std::uint64_t word = mix(seed() + done);
            std::memcpy(all.data() + done, &word, std::min<std::size_t>(8, all.size() - done));
        }
        return all;
    }
};
static_assert(sizeof(Key) == 16);

// Writes to the stream until it is killed. Returns why it could not.
const char *write_forever(const char *path, Shared &shared);

} // namespace kill_test
