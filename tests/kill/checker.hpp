// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// What the parent knows must be in the stream, and the comparison after each kill.
#pragma once

#include "protocol.hpp"

#include <map>
#include <stdexcept>
#include <string>

namespace kill_test {

struct Lost : std::runtime_error {
    using std::runtime_error::runtime_error;
};

class Checker {
public:
    // Tells the next round's writers what is there.
    void begin(Shared &shared) const;
    // Opens the stream that the kill left, compares it with what the writers told, remembers what is there, gives
    // regions that nobody has used back, and closes it.
    void check(const char *path, const Shared &shared);

    std::uint64_t acknowledged = 0;
    std::uint64_t recovered = 0;
    std::uint64_t freed = 0; // regions
    std::uint64_t closes = 0;

private:
    struct Region {
        std::uint64_t offset;
        std::uint64_t generation;
    };
    using Regions = std::map<std::uint32_t, Region>; // by the id of their lives
    using Entries = std::map<std::uint64_t, Key>;    // by timestamp

    void check_space(pmemstream *stream) const;
    void read(pmemstream *stream, Regions &regions, Entries &entries) const;
    void check_lives(const Regions &regions, const Shared &shared) const;
    void check_earlier(const Entries &found, const Shared &shared) const;
    void check_round(const Entries &found, std::uint64_t end, const Shared &shared);

    Regions regions_;
    Entries known_;
    std::uint64_t end_ = 0; // the last timestamp before the round
    std::uint32_t next_life_ = 1;
};

} // namespace kill_test
