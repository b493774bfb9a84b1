// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// Contenders that append the same entries.
#pragma once

#include "contenders/floor.hpp"
#include "contenders/log.hpp"
#include "measure.hpp"
#include "results.hpp"

#include <cstddef>
#include <string>
#include <vector>

namespace bench {

inline constexpr std::size_t largest_entry = 65536;
// The bytes that are appended: random, the same each time.
const std::byte *entry_data();

// Waits for the appended entries come once for so many.
inline constexpr std::uint64_t batch_size = 256;

class Contest {
public:
    // With a batch, entries are appended and counted by that many.
    void add(const std::string &name, LogPtr log, std::uint64_t batch = 1);
    // Nothing for a contender that this program was built without.
    void add_if_there(const std::string &name, LogPtr log);
    // The same stores in 16 and 32 bytes at a time. The one that turns out to be the faster goes by that name.
    void add_floors(const std::string &name, const Medium &medium, FloorStores by_16, FloorStores by_32);

    // One case: the time of each and the ratio of `subject` to each.
    void run(const Case &of, const std::string &subject, const Effort &effort, Results &results);

private:
    struct Contender {
        std::string name;
        LogPtr log;
        std::uint64_t batch;
    };
    struct Group {
        std::string name;
        std::vector<std::string> members;
    };

    std::vector<Contender> contenders_;
    std::vector<Group> groups_;
};

} // namespace bench
