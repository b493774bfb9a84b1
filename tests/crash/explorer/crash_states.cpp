// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

#include "crash/explorer/crash_states.hpp"

#include <algorithm>
#include <cstring>
#include <map>

namespace explorer {
namespace {

using pms::Granularity;
using pms::SimulatedImage;
using Pending = SimulatedImage::Pending;

// Stores that survive together or in their order: choice c means the first c of them, and beyond those a torn group's
// subsets.
struct Group {
    std::vector<std::size_t> events;
    bool may_tear = false;
    std::vector<std::uint64_t> torn; // subsets, as bits

    std::uint64_t choices() const { return events.size() + 1 + torn.size(); }
    bool survives(std::size_t position, std::uint64_t choice) const
    {
        if (choice <= events.size())
            return position < choice;
        return (torn[choice - events.size() - 1] >> std::min<std::size_t>(position, 63) & 1) != 0;
    }
};

std::vector<Group> groups_of(const std::vector<Pending> &pending, Granularity granularity, const StateLimits &limits,
                             std::mt19937_64 &random)
{
    std::map<std::uint64_t, Group> ordered;
    std::vector<Group> groups;
    for (std::size_t i = 0; i < pending.size(); ++i) {
        if (pending[i].non_temporal && granularity != Granularity::page)
            groups.push_back({.events = {i}, .torn = {}});
        else if (granularity == Granularity::byte)
            ordered[0].events.push_back(i);
        else
            ordered[pending[i].word / (granularity == Granularity::page ? 64 : 8)].events.push_back(i);
    }
    for (auto &[place, group] : ordered)
        groups.push_back(std::move(group));
    if (granularity != Granularity::page)
        return groups;
    for (Group &group : groups) {
        const std::size_t size = group.events.size();
        if (size < 2)
            continue;
        if (size < 20 && (1ULL << size) <= limits.torn) {
            for (std::uint64_t subset = 1; subset < (1ULL << size) - 1; ++subset)
                if ((subset & (subset + 1)) != 0) // else it is a prefix
                    group.torn.push_back(subset);
        } else {
            // What comes behind the 64th store has its fate.
            for (std::uint64_t i = 0; i < limits.torn; ++i)
                group.torn.push_back(random());
        }
    }
    return groups;
}

class Enumeration {
public:
    Enumeration(const SimulatedImage::Uncertain &uncertain, std::vector<Group> groups,
                const std::function<bool(std::uint64_t)> &wanted, const std::function<bool(const CrashState &)> &f,
                StateCounts &counts)
        : uncertain_(uncertain), groups_(std::move(groups)), choice_(groups_.size()), wanted_(wanted), f_(f),
          counts_(counts)
    {
        for (const Pending &pending : uncertain.pending) {
            const auto place = std::ranges::find(words_, pending.word);
            slots_.push_back(static_cast<std::size_t>(place - words_.begin()));
            if (place == words_.end())
                words_.push_back(pending.word);
        }
        values_.resize(words_.size());
        tell_apart();
        for (std::size_t group = 0; group < groups_.size(); ++group)
            tabulate(group);
    }

    std::uint64_t product(std::uint64_t limit) const
    {
        std::uint64_t product = 1;
        for (const Group &group : groups_) {
            product *= group.choices();
            if (product > limit)
                return limit + 1;
        }
        return product;
    }

    void all()
    {
        for (;;) {
            if (!emit())
                return;
            std::size_t i = 0;
            while (i < groups_.size() && ++choice_[i] == groups_[i].choices())
                choice_[i++] = 0;
            if (i == groups_.size())
                return;
        }
    }

    void sample(std::uint64_t images, std::mt19937_64 &random)
    {
        for (const bool others_survive : {false, true}) {
            const auto usual = [&](const Group &group) { return others_survive ? group.events.size() : 0; };
            std::ranges::transform(groups_, choice_.begin(), usual);
            if (!emit())
                return;
            for (std::size_t i = 0; i < groups_.size(); ++i) {
                choice_[i] = usual(groups_[i]) == 0 ? groups_[i].events.size() : 0;
                if (!emit())
                    return;
                choice_[i] = usual(groups_[i]);
            }
        }
        for (std::uint64_t n = 0; n < images; ++n) {
            for (std::size_t i = 0; i < groups_.size(); ++i)
                choice_[i] = random() % groups_[i].choices();
            if (!emit())
                return;
        }
    }

private:
    // What a group's choice adds to the hash follows from the choice alone, if no other group stores to its words.
    void tell_apart()
    {
        std::vector<std::size_t> owner(words_.size(), groups_.size());
        for (std::size_t group = 0; group < groups_.size(); ++group)
            for (const std::size_t event : groups_[group].events) {
                std::size_t &other = owner[slots_[event]];
                entangled_ = entangled_ || (other != groups_.size() && other != group);
                other = group;
            }
    }

    void tabulate(std::size_t group)
    {
        std::vector<std::uint64_t> &added = added_.emplace_back();
        if (entangled_)
            return;
        for (std::uint64_t choice = 0; choice < groups_[group].choices(); ++choice) {
            std::uint64_t sum = 0;
            for (std::size_t position = 0; position < groups_[group].events.size(); ++position) {
                const Pending &store = uncertain_.pending[groups_[group].events[position]];
                values_[slots_[groups_[group].events[position]]] = uncertain_.durable->values[store.word];
            }
            for (std::size_t position = 0; position < groups_[group].events.size(); ++position)
                if (groups_[group].survives(position, choice)) {
                    const std::size_t event = groups_[group].events[position];
                    std::uint64_t &value = values_[slots_[event]];
                    const Pending &store = uncertain_.pending[event];
                    sum += pms::hash_of_word(store.word, store.value) - pms::hash_of_word(store.word, value);
                    value = store.value;
                }
            added.push_back(sum);
        }
    }

    void make_values()
    {
        survives_.assign(uncertain_.pending.size(), 0);
        for (std::size_t i = 0; i < groups_.size(); ++i)
            for (std::size_t position = 0; position < groups_[i].events.size(); ++position)
                survives_[groups_[i].events[position]] = groups_[i].survives(position, choice_[i]) ? 1 : 0;
        for (std::size_t i = 0; i < words_.size(); ++i)
            values_[i] = uncertain_.durable->values[words_[i]];
        for (std::size_t i = 0; i < survives_.size(); ++i)
            if (survives_[i] != 0)
                values_[slots_[i]] = uncertain_.pending[i].value;
    }

    std::uint64_t hash()
    {
        std::uint64_t hash = uncertain_.durable->hash;
        if (entangled_) {
            make_values();
            for (std::size_t i = 0; i < words_.size(); ++i)
                hash += pms::hash_of_word(words_[i], values_[i]) -
                        pms::hash_of_word(words_[i], uncertain_.durable->values[words_[i]]);
            return hash;
        }
        for (std::size_t i = 0; i < groups_.size(); ++i)
            hash += added_[i][choice_[i]];
        return hash;
    }

    bool emit()
    {
        ++counts_.images;
        if (!wanted_(hash()))
            return true;
        make_values();
        return f_({uncertain_.durable, words_, values_});
    }

    const SimulatedImage::Uncertain &uncertain_;
    const std::vector<Group> groups_;
    std::vector<std::uint64_t> choice_;
    const std::function<bool(std::uint64_t)> &wanted_;
    const std::function<bool(const CrashState &)> &f_;
    StateCounts &counts_;
    std::vector<char> survives_;
    std::vector<std::size_t> slots_; // for each store, the place of its word in words_
    std::vector<std::uint64_t> words_;
    std::vector<std::uint64_t> values_;
    bool entangled_ = false;                        // two groups store to the same word
    std::vector<std::vector<std::uint64_t>> added_; // to the hash, by group and choice
};

} // namespace

void each_crash_state(const SimulatedImage::Uncertain &uncertain, Granularity granularity, const StateLimits &limits,
                      std::mt19937_64 &random, const std::function<bool(std::uint64_t)> &wanted,
                      const std::function<bool(const CrashState &)> &f, StateCounts &counts)
{
    Enumeration enumeration(uncertain, groups_of(uncertain.pending, granularity, limits, random), wanted, f, counts);
    if (enumeration.product(limits.images) <= limits.images) {
        enumeration.all();
    } else {
        ++counts.sampled_points;
        enumeration.sample(limits.images / 8, random);
    }
}

} // namespace explorer
