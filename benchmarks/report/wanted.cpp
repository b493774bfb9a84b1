// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

#include "contenders/peers.hpp"
#include "report/report.hpp"

#include <fmt/format.h>

namespace bench {
namespace {

constexpr std::size_t wanted_entry_size = 64;

// Behind the larger of the numbers of entries that were there.
Measured opening(const Results &results, const std::string &when)
{
    const std::vector<Case> cases = cases_of(results, "open");
    return cases.empty() ? Measured{} : measured_value(results, cases.back(), when);
}

} // namespace

std::vector<Wanted> wanted(const Results &results)
{
    const auto sync = [&](std::size_t size) {
        return measured_ratio(results, {"sync", size}, name::pmemstream, name::floor);
    };
    const auto threads = [&](unsigned threads, const char *contender) {
        return measured_ratio(results, {"threads", wanted_entry_size, threads}, contender, name::one_thread);
    };
    // How many appends go into one write and sync.
    const auto files = [&](unsigned threads) {
        return measured_ratio(results, {"files", file_entry_size, threads}, name::raw, name::one_region);
    };
    // The time of the fastest store to ours.
    const auto fastest_peer = [&](unsigned threads) {
        Measured least;
        for (const Peer &peer : built_peers())
            if (const Measured ratio =
                    measured_ratio(results, {"files", file_entry_size, threads}, peer.name, name::one_region);
                ratio.all && (!least.all || ratio.all->median < least.all->median))
                least = ratio;
        return least;
    };
    const auto of_64 = [&](const char *workload) { return Case{workload, wanted_entry_size}; };
    return {
        {"sync append, 64 B, to the floor", true, 1.15, "", sync(64)},
        {"sync append, 256 B, to the floor", true, 1.2, "", sync(256)},
        {"sync append, 1 KiB, to the floor", true, 1.4, "", sync(1024)},
        {"sync append, 4 KiB, to the floor", true, 1.3, "", sync(4096)},
        {"libpmemlog to pmemstream, sync append, 64 B", false, 2.9, "",
         measured_ratio(results, of_64("sync"), name::pmemlog, name::pmemstream)},
        {"2 threads, own regions, to one thread", true, 0.8, "", threads(2, name::own_regions)},
        {"2 threads, one region, to one thread", true, 1, "", threads(2, name::one_region)},
        {"16 threads, own regions, to one thread", true, 1, "", threads(16, name::own_regions)},
        {"async append, 64 B, batches of 256, to the floor of a sync append", true, 0.25, "",
         measured_ratio(results, of_64("async"), name::pmemstream, name::floor)},
        {"iterate, 64 B, per entry", true, 10, "ns", measured_value(results, of_64("iterate"), name::pmemstream)},
        {"space of an entry of 64 B", true, 80, "bytes", measured_value(results, of_64("space"), name::pmemstream)},
        {"open and first append after a clean close", true, 0.5, "ms", opening(results, name::opened_clean)},
        {"open and first append after kill -9, 100 regions being written", true, 5, "ms",
         opening(results, name::opened_killed)},
        {"file, 1 KiB, 1 thread, to one write + fdatasync", true, 1.1, "",
         measured_ratio(results, {"files", file_entry_size, 1}, name::one_region, name::raw)},
        {"file, 1 KiB, 8 threads: appends in one write + fdatasync", false, 6, "", files(8)},
        {"file, 1 KiB, 16 threads: appends in one write + fdatasync", false, 10, "", files(16)},
        {"file, 1 KiB, 1 thread: the fastest other store to pmemstream", false, 1, "", fastest_peer(1)},
        {"file, 1 KiB, 8 threads: the fastest other store to pmemstream", false, 1, "", fastest_peer(8)},
    };
}

} // namespace bench
