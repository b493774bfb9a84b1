// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// What the explorer leaves out is nothing: its enumeration of images against all subsets of stores, its pruning against
// none; and it can fail.

#include "crash/explorer/crash_states.hpp"
#include "crash/explorer/explorer.hpp"
#include "medium/mutation.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <set>

namespace explorer {
namespace {

using pms::Granularity;
using pms::Mutation;
using pms::SimulatedImage;

constexpr std::size_t words = 192; // three sectors

// A few stores to a few words, so that many are to the same word, line or sector.
SimulatedImage::Uncertain random_stores(std::mt19937_64 &random)
{
    SimulatedImage::Uncertain uncertain{SimulatedImage::shared(SimulatedImage::Bytes(words * 8)), {}};
    const std::size_t count = random() % 10;
    for (std::size_t i = 0; i < count; ++i) {
        constexpr std::uint64_t places[] = {0, 1, 7, 8, 64, 65, 130};
        uncertain.pending.push_back({places[random() % std::size(places)], i + 1, 0, 0, random() % 3 == 0, false});
    }
    return uncertain;
}

// By the words of docs/crash_consistency.md: what survives with a store that survives.
bool needs(const SimulatedImage::Pending &store, const SimulatedImage::Pending &earlier, Granularity granularity)
{
    if (granularity == Granularity::page || store.non_temporal || earlier.non_temporal)
        return false;
    return granularity == Granularity::byte || store.word / 8 == earlier.word / 8;
}

std::set<std::vector<std::uint64_t>> by_brute_force(const SimulatedImage::Uncertain &uncertain, Granularity granularity)
{
    const std::vector<SimulatedImage::Pending> &stores = uncertain.pending;
    std::set<std::vector<std::uint64_t>> images;
    for (std::uint64_t subset = 0; subset < 1ULL << stores.size(); ++subset) {
        bool possible = true;
        std::vector<std::uint64_t> image = uncertain.durable->values;
        for (std::size_t i = 0; i < stores.size(); ++i) {
            if ((subset >> i & 1) == 0)
                continue;
            for (std::size_t before = 0; before < i; ++before)
                possible = possible && ((subset >> before & 1) != 0 || !needs(stores[i], stores[before], granularity));
            image[stores[i].word] = stores[i].value;
        }
        if (possible)
            images.insert(image);
    }
    return images;
}

class EachMedium : public testing::TestWithParam<Granularity> {};

TEST_P(EachMedium, TheImagesAreThoseOfAllSubsetsOfStores)
{
    std::mt19937_64 random(1);
    for (int round = 0; round < 2000; ++round) {
        const SimulatedImage::Uncertain uncertain = random_stores(random);
        std::set<std::vector<std::uint64_t>> found;
        std::set<std::uint64_t> hashes;
        StateCounts counts;
        each_crash_state(
            uncertain, GetParam(), {.images = 1 << 12, .torn = 1 << 10}, random,
            [&](std::uint64_t hash) { return hashes.insert(hash).second; },
            [&](const CrashState &state) {
                std::vector<std::uint64_t> image = state.durable->values;
                for (std::size_t i = 0; i < state.words.size(); ++i)
                    image[state.words[i]] = state.values[i];
                found.insert(image);
                return true;
            },
            counts);
        ASSERT_EQ(counts.sampled_points, 0U);
        ASSERT_EQ(found, by_brute_force(uncertain, GetParam())) << "round " << round;
    }
}

std::uint64_t states_of(Granularity granularity, const Program &program, bool prune)
{
    Seen seen(1 << 16);
    const auto counters = std::make_unique<Counters>();
    Explorer explorer(granularity, make_start(granularity), seen, *counters);
    const auto violation = explorer.explore(
        program, {.recovery_depth = 1, .prune = prune, .every_point = true, .limits = {.images = 1 << 20, .torn = 0}});
    EXPECT_FALSE(violation) << program << ": " << violation->what;
    EXPECT_EQ(counters->sampled_points, 0U) << program;
    return counters->states;
}

TEST_P(EachMedium, WhatIsPrunedWasLookedAt)
{
    // Without sampling: what is sampled depends on what was looked at before.
    for (const char *const program : {"a", "b", "ra", "rp", "rrq", "yw", "yb", "nb", "fn", "ac", "ak", "af"})
        EXPECT_EQ(states_of(GetParam(), program, true), states_of(GetParam(), program, false)) << program;
}

TEST_P(EachMedium, AFenceLeftOutIsFound)
{
    Mutation::collect(true);
    states_of(GetParam(), "a", true);
    std::vector<Mutation::Site> sites = Mutation::collected();
    Mutation::collect(false);
    std::erase_if(sites, [](const Mutation::Site &site) { return site.step != Mutation::Step::fence; });
    for (const bool prune : {true, false}) {
        // Some only matter to other programs.
        EXPECT_TRUE(std::ranges::any_of(sites, [&](const Mutation::Site &site) {
            Seen seen(1 << 16);
            const auto counters = std::make_unique<Counters>();
            Explorer explorer(GetParam(), make_start(GetParam()), seen, *counters);
            Mutation::set(site, Mutation::Kind::drop);
            const auto violation = explorer.explore("a", {.prune = prune, .limits = {}});
            Mutation::clear();
            return violation.has_value();
        }));
    }
}

INSTANTIATE_TEST_SUITE_P(Explorer, EachMedium,
                         testing::Values(Granularity::cache_line, Granularity::byte, Granularity::page));

} // namespace
} // namespace explorer
