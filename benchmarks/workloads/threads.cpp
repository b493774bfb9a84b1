// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

#include "workloads/crews.hpp"
#include "workloads/workload.hpp"

#include <fmt/format.h>

namespace bench {
namespace {

constexpr std::size_t threads_entry_size = 64;

struct Competitor {
    const char *name;
    std::unique_ptr<Crew> (*make)(const Medium &, unsigned threads);
};

constexpr Competitor competitors[] = {
    {name::own_regions, Crew::own_regions}, {name::one_region, Crew::one_region},   {name::floor, Crew::floor},
    {name::pmemlog_own, Crew::pmemlog_own}, {name::pmemlog_one, Crew::pmemlog_one},
};

std::string with_threads(const char *name, unsigned threads)
{
    return fmt::format("{}, {} threads", name, threads);
}

} // namespace

void run_threads(const Context &context, Results &results)
{
    struct Entrant {
        const char *name;
        std::unique_ptr<Crew> crew;
    };
    std::vector<Entrant> entrants;
    std::vector<Runner> runners;
    for (const unsigned threads : {1, 2, 4, 8, 16})
        for (const Competitor &competitor : competitors)
            if (auto crew = competitor.make(context.medium, threads)) {
                runners.push_back(crew->runner(with_threads(competitor.name, threads), threads_entry_size));
                entrants.push_back({competitor.name, std::move(crew)});
            }

    const std::vector<Series> series = measure(runners, context.effort);
    for (std::size_t i = 0; i < series.size(); ++i) {
        const Case of = {"threads", threads_entry_size, entrants[i].crew->threads()};
        results.values.push_back({of, entrants[i].name, "ns", series[i].quartiles()});
        // One thread has a region of its own in any case.
        const bool ours = entrants[i].name == name::one_region;
        const Series &alone = series_of(series, with_threads(ours ? name::own_regions : entrants[i].name, 1));
        results.ratios.push_back({of, entrants[i].name, name::one_thread, ratio(series[i], alone)});
    }
}

} // namespace bench
