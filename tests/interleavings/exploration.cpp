// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

#include "interleavings/exploration.hpp"

#include <algorithm>

namespace interleavings {
namespace {

using pms::scheduled::Scheduler;

std::string all_threads(const Scheduler &scheduler)
{
    std::string text;
    for (unsigned thread = 0; thread < scheduler.threads(); ++thread)
        text += "\n    " + scheduler.describe(thread);
    return text;
}

bool any_stopped(const Scheduler &scheduler)
{
    for (unsigned thread = 0; thread < scheduler.threads(); ++thread)
        if (scheduler.stopped(thread))
            return true;
    return false;
}

} // namespace

Exploration::Exploration(const Scenario &scenario, pms::Granularity granularity)
    : setting_(scenario.setting(granularity))
{}

Exploration::~Exploration() = default;

void Exploration::tell(char *text, std::size_t size)
{
    told_ = text;
    told_size_ = size;
}

Counters Exploration::counters() const
{
    Counters counters = counters_;
    setting_->count(counters);
    return counters;
}

std::optional<Violation> Exploration::run(Recording &strategy)
{
    std::unique_ptr<Scene> scene = setting_->scene();
    const Scene::Threads threads = scene->threads();
    strategy.begin();
    const Scheduler::Outcome outcome = scheduler_.run(threads, strategy);
    steps_ = scheduler_.steps();
    ++counters_.schedules;
    counters_.steps += steps_;

    const bool stopped = any_stopped(scheduler_);
    const std::string where = all_threads(scheduler_);
    // Who waits for a stopped thread may poll.
    if (stopped)
        scene->stopped(scheduler_);
    else if (outcome == Scheduler::Outcome::endless)
        scene->fail("threads go on for ever");
    else if (outcome == Scheduler::Outcome::stuck)
        scene->fail("threads wait for ever");
    else if (!strategy.met())
        scene->finished();
    std::string wrong = scene->wrong();
    if (stopped && wrong.empty() && !scheduler_.run_out())
        wrong = "threads cannot go on although the one that was stopped did";
    if (wrong.empty())
        return std::nullopt;
    Violation violation{wrong + where, strategy.deviations()};
    // What is in use cannot be given back.
    static_cast<void>(scene.release());
    return violation;
}

std::optional<Violation> Exploration::explore(const Bounds &bounds, std::uint64_t most)
{
    DepthFirst strategy(bounds);
    strategy.tell(told_, told_size_);
    std::optional<Violation> violation;
    do {
        violation = run(strategy);
        counters_.met += strategy.met() ? 1 : 0;
    } while (!violation && --most > 0 && strategy.next());
    return violation;
}

std::optional<Violation> Exploration::sample(const Bounds &bounds, std::uint64_t schedules, std::uint64_t seed)
{
    Random strategy(bounds, seed);
    strategy.tell(told_, told_size_);
    std::optional<Violation> violation;
    for (std::uint64_t n = 0; n < schedules && !violation; ++n) {
        violation = run(strategy);
        strategy.set_length(std::max<std::uint64_t>(steps_, 1));
    }
    return violation;
}

std::optional<Violation> Exploration::replay(const Deviations &deviations)
{
    Replay strategy(deviations);
    return run(strategy);
}

} // namespace interleavings
