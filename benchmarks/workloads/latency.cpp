// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

#include "contenders/peers.hpp"
#include "histogram.hpp"
#include "workloads/contest.hpp"
#include "workloads/crew.hpp"
#include "workloads/workload.hpp"

#include <algorithm>
#include <span>
#include <utility>

namespace bench {
namespace {

constexpr std::size_t latency_entry_size = 64;

// A crew whose every append is timed.
class TimedCrew {
public:
    explicit TimedCrew(std::unique_ptr<Crew> crew) : crew_(std::move(crew)), threads_(crew_->threads()) {}
    unsigned threads() const { return crew_->threads(); }

    Runner runner(const std::string &name)
    {
        Runner runner = crew_->runner(name, latency_entry_size, [this](unsigned thread, Log &log, std::uint64_t count) {
            threads_[thread].begin = ticks();
            log.append_stamped(entry_data(), latency_entry_size, {threads_[thread].stamps.data(), count});
        });
        runner.capacity = std::min(runner.capacity, most_stamps);
        runner.run = [this, run = std::move(runner.run)](std::uint64_t count) {
            const double elapsed = run(count);
            for (Thread &thread : threads_)
                collect(thread, count);
            return elapsed;
        };
        runner.begin = [this] {
            for (Thread &thread : threads_)
                thread.histogram.clear();
        };
        return runner;
    }

    Latency latency(const std::string &name) const
    {
        Histogram all;
        for (const Thread &thread : threads_)
            all.add(thread.histogram);
        Latency latency = {{"latency", latency_entry_size, threads()}, name, all.count(), {}};
        for (std::size_t i = 0; i < percentiles.size(); ++i)
            latency.nanoseconds[i] = static_cast<double>(all.percentile(percentiles[i].part)) * nanoseconds_per_tick();
        return latency;
    }

private:
    static constexpr std::uint64_t most_stamps = 1 << 16;

    struct Thread {
        Ticks begin = 0;
        std::vector<Ticks> stamps = std::vector<Ticks>(most_stamps);
        Histogram histogram;
    };

    // From stamp to stamp, so that nothing that an append puts off is lost.
    static void collect(Thread &thread, std::uint64_t count)
    {
        Ticks before = thread.begin;
        for (std::uint64_t i = 0; i < count; ++i) {
            thread.histogram.add(thread.stamps[i] - before);
            before = thread.stamps[i];
        }
    }

    std::unique_ptr<Crew> crew_;
    std::vector<Thread> threads_;
};

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
            entrants.push_back({name, std::make_unique<TimedCrew>(std::make_unique<Crew>(logs, team))});
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
        results.latencies.push_back(entrant.crew->latency(entrant.name));
}

} // namespace bench
