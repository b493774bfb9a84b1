// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

#include "interleavings/strategies.hpp"

#include <algorithm>
#include <bit>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>

namespace interleavings {
namespace {

using Kind = Action::Kind;

constexpr char letters[] = "rkws"; // in the order of Action::Kind

} // namespace

std::string to_string(const Deviations &deviations)
{
    std::string text;
    for (const Deviation &deviation : deviations)
        text += (text.empty() ? "" : ",") + std::to_string(deviation.decision) +
                letters[static_cast<int>(deviation.action.kind)] + std::to_string(deviation.action.thread);
    return text.empty() ? "-" : text;
}

Deviations parse_deviations(const std::string &text)
{
    Deviations deviations;
    if (text == "-")
        return deviations;
    const char *place = text.c_str();
    for (;;) {
        char *end = nullptr;
        const std::uint64_t decision = std::strtoull(place, &end, 10);
        const std::size_t kind = std::string(letters).find(*end);
        if (end == place || *end == '\0' || kind == std::string::npos)
            throw std::invalid_argument(text);
        place = end + 1;
        const auto thread = static_cast<unsigned>(std::strtoul(place, &end, 10));
        if (end == place || thread >= pms::scheduled::max_threads)
            throw std::invalid_argument(text);
        deviations.push_back({decision, {static_cast<Kind>(kind), thread}});
        if (*end == '\0')
            return deviations;
        if (*end != ',')
            throw std::invalid_argument(text);
        place = end + 1;
    }
}

Action Recording::choose(const Situation &situation)
{
    const Action action = decide(situation);
    if (action == situation.usual())
        return action;
    deviations_.push_back({situation.decision, action});
    if (told_ != nullptr)
        std::snprintf(told_, told_size_, "%s", to_string(deviations_).c_str());
    return action;
}

void Recording::tell(char *text, std::size_t size)
{
    told_ = text;
    told_size_ = size;
}

void Recording::begin()
{
    deviations_.clear();
    if (told_ != nullptr)
        std::snprintf(told_, told_size_, "-");
    on_begin();
}

void DepthFirst::on_begin()
{
    place_ = 0;
    left_ = bounds_;
    met_ = false;
}

bool DepthFirst::next()
{
    while (!path_.empty() && path_.back().chosen + 1 == path_.back().options.size())
        path_.pop_back();
    if (path_.empty())
        return false;
    ++path_.back().chosen;
    return true;
}

bool DepthFirst::affordable(const Situation &situation, const Action &action) const
{
    const bool preempts = situation.may_go_on() && action.thread != situation.current;
    switch (action.kind) {
    case Kind::run:
        return !preempts || (left_.preemptions > 0 && !situation.unlocks);
    case Kind::keep_back:
        return left_.kept_back > 0 && (!preempts || (left_.preemptions > 0 && !situation.unlocks));
    case Kind::stop:
        return left_.stopped > 0;
    case Kind::write:
        break;
    }
    return true;
}

void DepthFirst::spend(const Situation &situation, const Action &action)
{
    if (action.kind == Kind::stop)
        --left_.stopped;
    if (action.kind == Kind::keep_back)
        --left_.kept_back;
    if ((action.kind == Kind::run || action.kind == Kind::keep_back) && situation.may_go_on() &&
        action.thread != situation.current)
        --left_.preemptions;
}

std::vector<Action> DepthFirst::options(const Situation &situation) const
{
    std::vector<Action> all{situation.usual()};
    const auto add = [&](Kind kind, unsigned thread) {
        if (const Action action{kind, thread}; affordable(situation, action) && action != all.front())
            all.push_back(action);
    };
    for (unsigned thread = 0; thread < pms::scheduled::max_threads; ++thread) {
        const auto in = [&](std::uint32_t threads) { return (threads >> thread & 1) != 0; };
        if (in(situation.runnable))
            add(Kind::run, thread);
        if (in(situation.runnable & situation.can_keep))
            add(Kind::keep_back, thread);
        if (in(situation.worth_write))
            add(Kind::write, thread);
        if (in(situation.alive) && thread == situation.current)
            add(Kind::stop, thread);
    }
    return all;
}

bool DepthFirst::is_new(const Situation &situation)
{
    const auto key = [&](unsigned preemptions) {
        const std::uint64_t all =
            situation.signature +
            (situation.current + 16 * (left_.kept_back + 16 * (left_.stopped + 16 * preemptions))) * 0x9e3779b97f4a7c15;
        return (all ^ all >> 29) * 0xbf58476d1ce4e5b9;
    };
    for (unsigned more = left_.preemptions + 1; more <= bounds_.preemptions; ++more)
        if (seen_.contains(key(more)))
            return false;
    return seen_.insert(key(left_.preemptions));
}

Action DepthFirst::decide(const Situation &situation)
{
    if (place_ < path_.size()) {
        const Node &node = path_[place_];
        if (node.decision != situation.decision)
            return situation.usual();
        ++place_;
        const Action action = node.options[node.chosen];
        spend(situation, action);
        return action;
    }
    if (met_)
        return situation.usual();
    if (!is_new(situation)) {
        met_ = true;
        return situation.usual();
    }
    if (std::vector<Action> all = options(situation); all.size() > 1) {
        path_.push_back({situation.decision, std::move(all), 0});
        ++place_;
    }
    return situation.usual();
}

void Random::on_begin()
{
    left_ = bounds_;
    for (std::uint64_t &priority : priorities_)
        priority = random_() | std::uint64_t{1} << 63;
    lowest_ = bounds_.preemptions;
    changes_.clear();
    for (unsigned i = 0; i < bounds_.preemptions; ++i)
        changes_.push_back(1 + random_() % length_);
}

Action Random::decide(const Situation &situation)
{
    // Lower than all so far.
    if (std::ranges::find(changes_, situation.decision) != changes_.end())
        priorities_[situation.current] = lowest_--;
    if (situation.worth_write != 0 && random_() % 2 == 0)
        return {Kind::write, static_cast<unsigned>(std::countr_zero(situation.worth_write))};
    if (left_.stopped > 0 && (situation.alive >> situation.current & 1) != 0 && random_() % length_ == 0) {
        --left_.stopped;
        return {Kind::stop, situation.current};
    }
    unsigned best = situation.usual().thread;
    for (unsigned thread = 0; thread < pms::scheduled::max_threads; ++thread)
        if ((situation.runnable >> thread & 1) != 0 && priorities_[thread] > priorities_[best])
            best = thread;
    if (left_.kept_back > 0 && (situation.can_keep >> best & 1) != 0 && random_() % 8 == 0) {
        --left_.kept_back;
        return {Kind::keep_back, best};
    }
    return {Kind::run, best};
}

Action Replay::decide(const Situation &situation)
{
    const auto found = std::ranges::find(planned_, situation.decision, &Deviation::decision);
    return found == planned_.end() ? situation.usual() : found->action;
}

} // namespace interleavings
