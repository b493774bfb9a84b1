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
    // Opens the stream that the kill left, compares it with what the writers told, remembers what is there, gives
    // spare regions back, and closes it.
    void check(const char *path, Shared &shared);

    std::uint64_t acknowledged = 0;
    std::uint64_t recovered = 0;

private:
    struct Entry {
        Key key;
        std::uint64_t generation; // of its region
    };
    using Entries = std::map<std::uint64_t, Entry>; // by timestamp

    Entries read(pmemstream *stream, Shared &shared);
    void check_earlier(const Entries &found, const Shared &shared) const;
    void check_round(const Entries &found, std::uint64_t end, const Shared &shared);

    Entries known_;
    std::uint64_t end_ = 0;                  // the last timestamp before the round
    std::uint64_t generation_[writers] = {}; // of each writer's region before the round; 0: none
};

} // namespace kill_test
