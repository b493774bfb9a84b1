// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

#include "workloads/crew.hpp"
#include "workloads/workload.hpp"

#include <fmt/format.h>

#include <utility>

namespace bench {
namespace {

constexpr std::size_t threads_entry_size = 64;

std::string with_threads(const std::string &name, unsigned threads)
{
    return fmt::format("{}, {} threads", name, threads);
}

} // namespace

void run_threads(const Context &context, Results &results)
{
    const std::pair<const char *, std::shared_ptr<Logs>> competitors[] = {
        {name::own_regions, Logs::own_regions(context.medium)},
        {name::one_region, Logs::one_region(context.medium)},
        {name::floor, Logs::floor(context.medium)},
        {name::pmemlog_own, Logs::pmemlog_own(context.medium)},
        {name::pmemlog_one, Logs::pmemlog_one(context.medium)},
    };
    struct Entrant {
        std::string name;
        std::unique_ptr<Crew> crew;
    };
    std::vector<Entrant> entrants;
    std::vector<Runner> runners;
    for (const unsigned threads : {1U, 2U, 4U, 8U, most_threads}) {
        const auto team = std::make_shared<Team>(threads);
        for (const auto &[name, logs] : competitors) {
            if (!logs)
                continue;
            entrants.push_back({name, std::make_unique<Crew>(logs, team)});
            runners.push_back(entrants.back().crew->runner(with_threads(name, threads), threads_entry_size));
        }
    }

    const std::vector<Series> series = measure(runners, context.effort);
    for (std::size_t i = 0; i < series.size(); ++i) {
        const std::string &contender = entrants[i].name;
        const Case of = {"threads", threads_entry_size, entrants[i].crew->threads()};
        results.values.push_back({of, contender, "ns", series[i].quartiles()});
        // One thread has a region of its own in any case.
        const std::string &alone = contender == name::one_region ? name::own_regions : contender;
        results.ratios.push_back(
            {of, contender, name::one_thread, ratio(series[i], series_of(series, with_threads(alone, 1)))});
    }
}

} // namespace bench
