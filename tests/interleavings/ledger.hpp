// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// What threads have asked of a stream, how far that went, and so what the stream owes them. While an append is under
// way nobody knows its timestamp: what a recovered stream holds is first matched with what was submitted, by data, and
// then held against what is owed (crash/explorer/obligations.hpp).
#pragma once

#include "crash/explorer/obligations.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace interleavings {

struct Write {
    enum class State : std::uint8_t {
        under_way, // or its outcome is unknown
        returned,  // timestamp and offset are known
        refused,   // it is not there
    };
    std::uint64_t id; // what its data are made of
    std::uint64_t size;
    std::size_t region; // an index
    State state = State::under_way;
    std::uint64_t timestamp = 0;
    std::uint64_t offset = 0;
};

struct Ledger {
    std::vector<explorer::Region> regions;
    std::vector<Write> writes;
    std::uint64_t acknowledged = 0;
    std::uint64_t space = 0;

    // The order of the writes does not count.
    std::uint64_t hash() const;
    std::uint64_t submitted() const; // without those that were refused

    // What is wrong with an open stream, or an empty string.
    std::string compare(pmemstream *stream) const;
};

} // namespace interleavings
