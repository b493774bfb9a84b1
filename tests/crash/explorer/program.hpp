// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// Short programs of operations, to be cut short by crashes.
#pragma once

#include <cstdint>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <vector>

namespace explorer {

enum class Operation : char {
    append = 'a',         // 8 bytes, to the oldest region
    append_other = 'b',   // 20 bytes, to the newest region
    fill = 'x',           // the oldest region, to its last byte
    append_async = 'y',   // 8 bytes, to the oldest region
    reserve = 'r',        // 16 bytes in the newest region, or what is left there
    publish_oldest = 'p', // all of it
    publish_newest = 'q', // 8 bytes of it, or all if it has less
    publish_async = 'z',  // the oldest one
    abort = 'd',          // the oldest one
    wait = 'w',           // until everything is persisted
    allocate = 'n',       // another region
    free = 'f',           // the oldest region
    close_and_open = 'c',
    kill_and_open = 'k',
    grow = 'g',      // the stream, by a span of 256 bytes
    fail_sync = 's', // append, and the sync fails; after that the stream can only be opened again
};

using Program = std::string; // an Operation each

inline constexpr const char *alphabet = "abxyrpqzdwnfgcks";

// Longer than what is explored exhaustively, each for a state that few programs lead to.
inline constexpr const char *chosen_programs[] = {
    "nbrbfq",    // the filler behind what was published begins another line, in front of what is known durable
    "raryp",     // a hole in front of what was acknowledged, and one in front of what was not
    "arbza",     // data in another line than its header, published asynchronously in front of what is acknowledged
    "nnaaaaaax", // a small entry fills a region in front of another
    "nrrbyzz",   // two published entries are dropped, because another region's is lost, in front of an acknowledged one
};

std::optional<std::string> why_not_a_program(const std::string &text);
std::string describe(Operation operation);

// The n-th of all programs of this length.
Program nth_program(std::size_t length, std::uint64_t n);
std::uint64_t number_of_programs(std::size_t length);
Program random_program(std::size_t length, std::mt19937_64 &random);

} // namespace explorer
