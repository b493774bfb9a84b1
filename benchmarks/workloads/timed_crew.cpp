// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

#include "workloads/timed_crew.hpp"

#include "workloads/contest.hpp"

#include <algorithm>
#include <span>
#include <utility>

namespace bench {

TimedCrew::TimedCrew(std::unique_ptr<Crew> crew, std::size_t entry_size)
    : crew_(std::move(crew)), entry_size_(entry_size), threads_(crew_->threads())
{}

Runner TimedCrew::runner(const std::string &name)
{
    Runner runner = crew_->runner(name, entry_size_, [this](unsigned thread, Log &log, std::uint64_t count) {
        threads_[thread].begin = ticks();
        log.append_stamped(entry_data(), entry_size_, {threads_[thread].stamps.data(), count});
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

Latency TimedCrew::latency(const std::string &workload, const std::string &contender) const
{
    Histogram all;
    for (const Thread &thread : threads_)
        all.add(thread.histogram);
    Latency latency = {{workload, entry_size_, threads()}, contender, all.count(), {}};
    for (std::size_t i = 0; i < percentiles.size(); ++i)
        latency.nanoseconds[i] = static_cast<double>(all.percentile(percentiles[i].part)) * nanoseconds_per_tick();
    return latency;
}

// From stamp to stamp, so that nothing that an append puts off is lost.
void TimedCrew::collect(Thread &thread, std::uint64_t count)
{
    Ticks before = thread.begin;
    for (std::uint64_t i = 0; i < count; ++i) {
        thread.histogram.add(thread.stamps[i] - before);
        before = thread.stamps[i];
    }
}

} // namespace bench
