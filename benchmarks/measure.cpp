// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

#include "measure.hpp"

#include "core_share.hpp"
#include "failure.hpp"

#include <algorithm>
#include <cmath>
#include <csignal>
#include <functional>

namespace bench {
namespace {

volatile std::sig_atomic_t interrupted = 0;

double run_slice(const Runner &runner, std::uint64_t count)
{
    throw_if_interrupted();
    runner.prepare(count);
    return runner.run(count);
}

// Operations for a slice of about that time. The first runs warm up what a slice needs.
std::uint64_t slice_count(const Runner &runner, double nanoseconds)
{
    std::uint64_t count = 1;
    for (;;) {
        // The fastest of three: one may have met something else that the machine had to do.
        double elapsed = run_slice(runner, count);
        for (int again = 0; again < 2 && elapsed >= nanoseconds / 4; ++again)
            elapsed = std::min(elapsed, run_slice(runner, count));
        if (elapsed >= nanoseconds / 4) {
            const double wanted = static_cast<double>(count) * nanoseconds / elapsed;
            return std::clamp<std::uint64_t>(std::llround(wanted), 1, runner.capacity);
        }
        if (count == runner.capacity)
            return count;
        count = std::min(count * 2, runner.capacity);
    }
}

} // namespace

std::vector<Series> measure(const std::vector<Runner> &runners, const Effort &effort)
{
    std::vector<Series> series;
    std::vector<std::uint64_t> counts;
    for (const Runner &runner : runners) {
        series.push_back({runner.name, {}});
        counts.push_back(slice_count(runner, runner.slices * effort.slice_milliseconds * 1e6));
    }
    for (const Runner &runner : runners)
        runner.begin();
    for (std::uint64_t round = 0; round < effort.rounds; ++round) {
        double probe = probe_core();
        for (std::size_t i = 0; i < runners.size(); ++i) {
            // Another one begins each time, and every other round goes backwards, so that nobody has always the same
            // one before it.
            const std::size_t turn = (round + i) % runners.size();
            const std::size_t which = round % 2 == 0 ? turn : runners.size() - 1 - turn;
            const std::uint64_t entries = counts[which] * runners[which].entries;
            series[which].rounds.values.push_back(run_slice(runners[which], counts[which]) /
                                                  static_cast<double>(entries));
            probe = std::max(probe, probe_core());
        }
        for (Series &one : series)
            one.rounds.probes.push_back(probe);
    }
    return series;
}

const Series &series_of(const std::vector<Series> &series, const std::string &name)
{
    const auto found = std::find_if(series.begin(), series.end(), [&](const Series &one) { return one.name == name; });
    require(found != series.end(), "not measured: " + name);
    return *found;
}

Series fastest(const std::vector<Series> &series, const std::vector<std::string> &names, const std::string &name)
{
    const auto best = std::min_element(names.begin(), names.end(), [&](const std::string &a, const std::string &b) {
        return series_of(series, a).quartiles().median < series_of(series, b).quartiles().median;
    });
    return {name, series_of(series, *best).rounds};
}

Rounds ratios(const Series &of, const Series &to)
{
    Rounds ratios{std::vector<double>(of.rounds.values.size()), of.rounds.probes};
    std::transform(of.rounds.values.begin(), of.rounds.values.end(), to.rounds.values.begin(), ratios.values.begin(),
                   std::divides());
    return ratios;
}

Quartiles ratio(const Series &of, const Series &to)
{
    return quartiles_of(ratios(of, to).values);
}

void heed_interrupts()
{
    for (const int signal : {SIGINT, SIGTERM})
        std::signal(signal, [](int) { interrupted = 1; });
}

void throw_if_interrupted()
{
    if (interrupted != 0)
        throw Failure("interrupted");
}

} // namespace bench
