// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

#include "contenders/peers.hpp"
#include "histogram.hpp"
#include "workloads/contest.hpp"
#include "workloads/crews.hpp"
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
    const auto add = [&](const std::string &name, std::unique_ptr<Crew> crew) {
        if (crew)
            entrants.push_back({name, std::make_unique<TimedCrew>(std::move(crew))});
    };
    if (context.peers)
        for (const Peer &peer : built_peers())
            add(peer.name, Crew::alone(peer.make(context.medium)));
    for (const unsigned threads : {1, 2, 16}) {
        add(threads == 1 ? name::pmemstream : name::own_regions, Crew::own_regions(context.medium, threads));
        if (threads != 1)
            add(name::one_region, Crew::one_region(context.medium, threads));
        add(name::floor, Crew::floor(context.medium, threads));
        if (threads == 1)
            add(name::pmemlog, Crew::pmemlog_one(context.medium, threads));
        else
            add(name::pmemlog_one, Crew::pmemlog_one(context.medium, threads));
    }
    std::vector<Runner> runners;
    for (const Entrant &entrant : entrants)
        runners.push_back(entrant.crew->runner(entrant.name));
    measure(runners, context.effort);
    for (const Entrant &entrant : entrants)
        results.latencies.push_back(entrant.crew->latency(entrant.name));
}

} // namespace bench
