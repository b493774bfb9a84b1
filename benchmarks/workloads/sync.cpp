// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

#include "contenders/floor.hpp"
#include "contenders/peers.hpp"
#include "contenders/pmemstream.hpp"
#include "workloads/workload.hpp"

#include <array>
#include <utility>

namespace bench {
namespace {

constexpr std::array<std::size_t, 7> entry_sizes = {8, 64, 256, 1024, 4096, 16384, 65536};

} // namespace

void run_sync(const Context &context, Results &results)
{
    Stream stream(map_touched(context.medium));
    Region region(stream.get(), stream.largest_region_size());

    std::vector<std::pair<std::string, LogPtr>> logs;
    logs.emplace_back(pmemstream_name, make_sync_appends(region));
    std::vector<std::string> packed;
    std::vector<std::string> lines;
    const auto add_floor = [&](std::vector<std::string> &names, const std::string &name, FloorStores stores) {
        if (!available(stores))
            return;
        logs.emplace_back(name, make_floor(context.medium, stores));
        names.push_back(name);
    };
    add_floor(packed, "floor, packed, 16-byte stores", FloorStores::packed_16);
    add_floor(packed, "floor, packed, 32-byte stores", FloorStores::packed_32);
    add_floor(lines, "floor, full lines, 16-byte stores", FloorStores::lines_16);
    add_floor(lines, "floor, full lines, 32-byte stores", FloorStores::lines_32);
    if (LogPtr log = make_pmemlog(context.medium))
        logs.emplace_back(pmemlog_name, std::move(log));

    for (const std::size_t size : entry_sizes) {
        const Case of = {"sync", size, 1};
        std::vector<Runner> runners;
        for (const auto &[name, log] : logs)
            runners.push_back(append_runner(name, *log, size));
        std::vector<Series> series = measure(runners, context.effort);
        series.push_back(fastest(series, packed, floor_name));
        series.push_back(fastest(series, lines, "floor, full lines"));
        for (const Series &one : series)
            results.add(of, one.name, "ns", one.quartiles());
        const Series &ours = series_of(series, pmemstream_name);
        for (const Series &one : series)
            if (one.name != pmemstream_name)
                results.add_ratio(of, pmemstream_name, one.name, ratio(ours, one));
    }
}

} // namespace bench
