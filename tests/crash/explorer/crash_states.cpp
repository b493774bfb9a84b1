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

std::uint64_t word_hash(std::uint64_t place, std::uint64_t value)
{
    // The finalizer of splitmix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014).
    std::uint64_t hash = value + (place + 1) * 0x9e3779b97f4a7c15;
    hash = (hash ^ hash >> 30) * 0xbf58476d1ce4e5b9;
    hash = (hash ^ hash >> 27) * 0x94d049bb133111eb;
    return hash ^ hash >> 31;
}

class Enumeration {
public:
    Enumeration(const SimulatedImage::Uncertain &uncertain, std::vector<Group> groups,
                const std::function<bool(const CrashState &)> &f, StateCounts &counts)
        : uncertain_(uncertain), groups_(std::move(groups)), choice_(groups_.size()), f_(f), counts_(counts),
          survives_(uncertain.pending.size()), base_(hash_of(uncertain.durable))
    {
        for (const Pending &pending : uncertain.pending) {
            const auto place = std::ranges::find(words_, pending.word);
            slots_.push_back(static_cast<std::size_t>(place - words_.begin()));
            if (place == words_.end())
                words_.push_back(pending.word);
        }
        for (const std::uint64_t word : words_)
            base_ -= word_hash(word, uncertain.durable[word]);
        values_.resize(words_.size());
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
    bool emit()
    {
        std::ranges::fill(survives_, 0);
        for (std::size_t i = 0; i < groups_.size(); ++i)
            for (std::size_t position = 0; position < groups_[i].events.size(); ++position)
                survives_[groups_[i].events[position]] = groups_[i].survives(position, choice_[i]) ? 1 : 0;
        for (std::size_t i = 0; i < words_.size(); ++i)
            values_[i] = uncertain_.durable[words_[i]];
        for (std::size_t i = 0; i < survives_.size(); ++i)
            if (survives_[i] != 0)
                values_[slots_[i]] = uncertain_.pending[i].value;
        state_.hash = base_;
        for (std::size_t i = 0; i < words_.size(); ++i)
            state_.hash += word_hash(words_[i], values_[i]);
        ++counts_.images;
        return f_(state_);
    }

    const SimulatedImage::Uncertain &uncertain_;
    const std::vector<Group> groups_;
    std::vector<std::uint64_t> choice_;
    const std::function<bool(const CrashState &)> &f_;
    StateCounts &counts_;
    std::vector<char> survives_;
    std::vector<std::size_t> slots_; // for each store, the place of its word in words_
    std::vector<std::uint64_t> words_;
    std::vector<std::uint64_t> values_;
    std::uint64_t base_; // the hash of all other words
    CrashState state_{uncertain_.durable, words_, values_, 0};
};

} // namespace

std::uint64_t hash_of(const std::vector<std::uint64_t> &words)
{
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < words.size(); ++i)
        sum += word_hash(i, words[i]);
    return sum;
}

void CrashState::write_to(SimulatedImage::Bytes &bytes) const
{
    std::memcpy(bytes.data(), durable.data(), bytes.size());
    for (std::size_t i = 0; i < words.size(); ++i)
        std::memcpy(bytes.data() + words[i] * 8, &values[i], 8);
}

void each_crash_state(const SimulatedImage::Uncertain &uncertain, Granularity granularity, const StateLimits &limits,
                      std::mt19937_64 &random, const std::function<bool(const CrashState &)> &f, StateCounts &counts)
{
    Enumeration enumeration(uncertain, groups_of(uncertain.pending, granularity, limits, random), f, counts);
    if (enumeration.product(limits.images) <= limits.images) {
        enumeration.all();
    } else {
        ++counts.sampled_points;
        enumeration.sample(limits.images / 8, random);
    }
}

} // namespace explorer
