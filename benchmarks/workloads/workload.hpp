// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// What a workload is, and what it is given.
#pragma once

#include "measure.hpp"
#include "medium.hpp"
#include "results.hpp"

#include <string>
#include <vector>

namespace bench {

struct Context {
    Medium medium;
    Disk disk;
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

// In the order in which they run.
const std::vector<Workload> &workloads();

void run_sync(const Context &context, Results &results);
void run_reserve(const Context &context, Results &results);
void run_async(const Context &context, Results &results);
void run_threads(const Context &context, Results &results);
void run_latency(const Context &context, Results &results);
void run_files(const Context &context, Results &results);
void run_iterate(const Context &context, Results &results);
void run_open(const Context &context, Results &results);
void run_space(const Context &context, Results &results);

inline constexpr std::size_t file_entry_size = 1024;

// The names of contenders that the reports look for.
namespace name {
inline constexpr const char *pmemstream = "pmemstream";
inline constexpr const char *own_regions = "pmemstream, own regions";
inline constexpr const char *one_region = "pmemstream, one region";
inline constexpr const char *one_thread = "one thread";
inline constexpr const char *in_cache = "pmemstream, in cache";
inline constexpr const char *reading = "pmemstream, reading the data";
inline constexpr const char *floor = "floor";
inline constexpr const char *full_lines = "floor, full lines";
inline constexpr const char *cached = "floor, stores and flushes";
inline constexpr const char *batch = "floor, stores and flushes of a batch";
inline constexpr const char *pmemlog = "libpmemlog";
inline constexpr const char *pmemlog_own = "libpmemlog, own logs";
inline constexpr const char *pmemlog_one = "libpmemlog, one log";
// One write and one sync: `raw` is the faster of the two.
inline constexpr const char *written = "write + fdatasync, written before";
inline constexpr const char *allocated = "write + fdatasync, allocated";
inline constexpr const char *raw = "write + fdatasync";
inline constexpr const char *group_floor = "floor, one sync for all";
inline constexpr const char *opened_clean = "after a clean close";
inline constexpr const char *opened_killed = "after kill -9";
} // namespace name

} // namespace bench
