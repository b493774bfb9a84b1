// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// What every workload is given, and what several of them use.
#pragma once

#include "contenders/log.hpp"
#include "measure.hpp"
#include "medium.hpp"
#include "results.hpp"

#include <cstddef>
#include <string>
#include <vector>

namespace bench {

struct Context {
    Medium medium;
    Effort effort;
    // Other stores take part, too.
    bool peers = false;
    // Everything is done for a moment only, to see that it works.
    bool brief = false;
};

struct Workload {
    std::string name;
    std::string what;
    void (*run)(const Context &, Results &);
};

const std::vector<Workload> &workloads();

void run_sync(const Context &context, Results &results);

// The bytes that every contender appends.
const std::byte *entry_data();
inline constexpr std::size_t largest_entry = 65536;

inline constexpr const char *floor_name = "floor";
inline constexpr const char *pmemstream_name = "pmemstream";
inline constexpr const char *pmemlog_name = "libpmemlog";

Runner append_runner(const std::string &name, Log &log, std::size_t size);

// The one with the lowest median among those of these names, by the name that is given to it.
Series fastest(const std::vector<Series> &series, const std::vector<std::string> &names, const std::string &name);
const Series &series_of(const std::vector<Series> &series, const std::string &name);

} // namespace bench
