// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// What the writers and their parent share: what entries hold, and the memory in which the writers tell how far they
// are. It is plain words, so that everything stored before a kill can be read after it.
#pragma once

#include <libpmemstream.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

namespace kill_test {

constexpr int writers = 3;
constexpr int slots = 4;                      // regions in use at a time, each by all writers
constexpr std::uint32_t max_logged = 1 << 18; // entries of a writer in one round
constexpr std::uint32_t max_lives = 1 << 14;  // regions in one round

// From the allocation of a region to its free. Those of earlier rounds that are still there come first.
struct Life {
    enum State : std::uint32_t { none, live, freeing, freed };
    std::atomic<std::uint32_t> state; // stored last when it is allocated; freeing before it is freed, freed behind it
    std::uint32_t id;                 // no two lives of a stream have the same
    std::uint64_t offset;
};

// A writer's entries are numbered from 1 in each round.
struct Progress {
    std::atomic<std::uint32_t> begun;            // every entry up to this number may be there
    std::atomic<std::uint32_t> acknowledged;     // every entry up to this number must, if its region lives
    std::atomic<std::uint32_t> life[max_logged]; // by number, its place in Shared::lives, before the entry is written
    std::atomic<std::uint64_t> timestamps[max_logged]; // by number, as soon as the writer knows it
};

struct Shared {
    std::uint32_t round;
    std::uint32_t first_life; // the id of the first life that begins in this round
    std::uint64_t seed;
    std::uint32_t inherited; // lives of earlier rounds
    std::atomic<std::uint32_t> life_count;
    std::atomic<std::uint32_t> closes; // of the stream, in this round
    Life lives[max_lives];
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
    std::uint32_t number;
    std::uint32_t life; // its id

    bool operator==(const Key &) const = default;
    std::uint64_t seed() const { return mix(number ^ mix(round * 2ULL * writers + writer) ^ life * 65537ULL); }
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

// Opens the stream, writes to it with several threads, closes it, and begins again, until the process is killed.
// Returns why it could not.
const char *write_forever(const char *path, Shared &shared);

} // namespace kill_test
