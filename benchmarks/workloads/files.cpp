// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// Entries that are durable on a disk: beside a bare write and sync, and other stores.

#include "contenders/peers.hpp"
#include "contenders/written_file.hpp"
#include "workloads/crew.hpp"
#include "workloads/timed_crew.hpp"
#include "workloads/workload.hpp"

#include <fmt/format.h>

#include <utility>

namespace bench {
namespace {

// A sync takes a hundred times what an append to memory takes.
constexpr double longer_slices = 25;
constexpr std::uint64_t fewer_rounds = 4;

struct Entrant {
    std::string name;
    std::unique_ptr<TimedCrew> crew;
};

std::string with_threads(const Entrant &entrant)
{
    return fmt::format("{}, {} threads", entrant.name, entrant.crew->threads());
}

} // namespace

void run_files(const Context &context, Results &results)
{
    const Disk &disk = context.disk;
    const auto team_of = [](unsigned threads) { return std::make_shared<Team>(threads); };
    std::vector<Entrant> entrants;
    const auto add = [&](const std::string &name, std::shared_ptr<Logs> logs, std::shared_ptr<Team> team) {
        entrants.push_back({name, std::make_unique<TimedCrew>(std::make_unique<Crew>(std::move(logs), std::move(team)),
                                                              file_entry_size)});
    };
    const auto alone = team_of(1);
    add(name::written, Logs::one(make_written_file(disk, true)), alone);
    add(name::allocated, Logs::one(make_written_file(disk, false)), alone);
    std::vector<std::pair<std::string, std::shared_ptr<Logs>>> all = {
        {name::one_region, Logs::one_region(disk)},
        {name::own_regions, Logs::own_regions(disk)},
    };
    Medium on_disk = context.medium;
    on_disk.directory = disk.directory;
    on_disk.size = disk.size;
    for (const Peer &peer : built_peers())
        all.emplace_back(peer.name, Logs::one(peer.make(on_disk)));
    for (const unsigned threads : {1U, 2U, 4U, 8U, most_threads}) {
        const auto team = threads == 1 ? alone : team_of(threads);
        for (const auto &[name, logs] : all)
            add(name, logs, team);
        if (threads > 1)
            add(name::group_floor, Logs::one(make_group_floor(disk, threads)), team);
    }

    std::vector<Runner> runners;
    for (const Entrant &entrant : entrants) {
        runners.push_back(entrant.crew->runner(with_threads(entrant)));
        runners.back().slices = 1;
    }
    const Effort effort = {.rounds = std::max<std::uint64_t>(context.effort.rounds / fewer_rounds, 1),
                           .slice_milliseconds = context.effort.slice_milliseconds * longer_slices};
    const std::vector<Series> series = measure(runners, effort);
    const Series raw = fastest(series, {with_threads(entrants[0]), with_threads(entrants[1])}, name::raw);
    for (std::size_t i = 0; i < series.size(); ++i) {
        const Case of = {"files", file_entry_size, entrants[i].crew->threads()};
        results.values.push_back({of, entrants[i].name, "ns", series[i].quartiles()});
        results.ratios.push_back({of, entrants[i].name, name::raw, ratio(series[i], raw)});
        for (std::size_t other = 0; other < series.size(); ++other)
            if (entrants[i].name == name::one_region && other != i && entrants[other].crew->threads() == of.threads)
                results.ratios.push_back({of, entrants[i].name, entrants[other].name, ratio(series[i], series[other])});
        if (of.threads == 1 || of.threads == 8 || of.threads == most_threads)
            results.latencies.push_back(entrants[i].crew->latency("files", entrants[i].name));
    }
}

} // namespace bench
