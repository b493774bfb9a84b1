// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

#include "contenders/peers.hpp"
#include "workloads/crew.hpp"
#include "workloads/timed_crew.hpp"
#include "workloads/workload.hpp"

#include <utility>

namespace bench {
namespace {

constexpr std::size_t latency_entry_size = 64;

} // namespace

void run_latency(const Context &context, Results &results)
{
    struct Entrant {
        std::string name;
        std::unique_ptr<TimedCrew> crew;
    };
    std::vector<Entrant> entrants;
    const auto add = [&](const std::string &name, const std::shared_ptr<Logs> &logs,
                         const std::shared_ptr<Team> &team) {
        if (logs)
            entrants.push_back(
                {name, std::make_unique<TimedCrew>(std::make_unique<Crew>(logs, team), latency_entry_size)});
    };
    const auto own_regions = Logs::own_regions(context.medium);
    const auto one_region = Logs::one_region(context.medium);
    const auto floor = Logs::floor(context.medium);
    const auto pmemlog = Logs::pmemlog_one(context.medium);
    const auto alone = std::make_shared<Team>(1);
    add(name::pmemstream, own_regions, alone);
    add(name::floor, floor, alone);
    add(name::pmemlog, pmemlog, alone);
    if (context.peers)
        for (const Peer &peer : built_peers())
            add(peer.name, Logs::one(peer.make(context.medium)), alone);
    for (const unsigned threads : {2U, most_threads}) {
        const auto team = std::make_shared<Team>(threads);
        add(name::own_regions, own_regions, team);
        add(name::one_region, one_region, team);
        add(name::floor, floor, team);
        add(name::pmemlog_one, pmemlog, team);
    }
    std::vector<Runner> runners;
    for (const Entrant &entrant : entrants)
        runners.push_back(entrant.crew->runner(entrant.name));
    measure(runners, context.effort);
    for (const Entrant &entrant : entrants)
        results.latencies.push_back(entrant.crew->latency("latency", entrant.name));
}

} // namespace bench
