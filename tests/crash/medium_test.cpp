// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// The simulated medium itself: what the other tests believe.

#include "medium/medium.hpp"
#include "medium/mutation.hpp"
#include "medium/simulated_image.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <thread>

namespace pms {
namespace {

std::uint64_t word(const SimulatedImage::Bytes &bytes, std::uint64_t offset)
{
    std::uint64_t value = 0;
    std::memcpy(&value, bytes.data() + offset, sizeof value);
    return value;
}

TEST(SimulatedMedium, AStoreThatGoesAroundItIsAFault)
{
    SimulatedImage image(4096, Granularity::cache_line);
    auto *byte = const_cast<std::byte *>(image.cache());
    EXPECT_DEATH(*reinterpret_cast<volatile std::byte *>(byte) = std::byte{1}, "");
}

TEST(SimulatedMedium, AFenceOfAnotherThreadCountsForNothing)
{
    SimulatedImage image(4096, Granularity::cache_line);
    Medium medium(image);
    const std::uint64_t value = 7;
    medium.store(0, value);
    medium.flush(0, 8);
    medium.stream(64, &value, 8);
    std::jthread([&] { medium.fence(); }).join();
    EXPECT_EQ(word(image.power_cut_losing_all(), 0), 0U);
    EXPECT_EQ(word(image.power_cut_losing_all(), 64), 0U);
    medium.fence();
    EXPECT_EQ(word(image.power_cut_losing_all(), 0), 7U);
    EXPECT_EQ(word(image.power_cut_losing_all(), 64), 7U);
}

TEST(SimulatedMedium, AFlushCoversWhatWasStoredBeforeIt)
{
    SimulatedImage image(4096, Granularity::cache_line);
    Medium medium(image);
    medium.store(0, 1);
    medium.flush(0, 8);
    medium.store(0, 2);
    medium.store(8, 3);
    medium.fence();
    EXPECT_EQ(word(image.power_cut_losing_all(), 0), 1U);
    EXPECT_EQ(word(image.power_cut_losing_all(), 8), 0U);
}

TEST(SimulatedMedium, WithEadrAFlushMayBeLeftOutAndTheFenceAfterStreamingMayNot)
{
    SimulatedImage image(4096, Granularity::byte);
    Medium medium(image);
    const std::uint64_t value = 7;
    medium.store(0, value);
    medium.stream(64, &value, 8);
    EXPECT_EQ(word(image.power_cut_losing_all(), 64), 0U);
    medium.fence();
    EXPECT_EQ(word(image.power_cut_losing_all(), 0), 7U);
    EXPECT_EQ(word(image.power_cut_losing_all(), 64), 7U);
}

TEST(SimulatedMedium, WhatAFailedSyncDroppedIsNotWrittenByALaterOne)
{
    SimulatedImage image(4096, Granularity::page);
    Medium medium(image);
    for (std::uint64_t offset = 0; offset < 64; offset += 8)
        medium.store(offset, 7);
    image.fail_sync(1);
    EXPECT_EQ(medium.sync(0, 64), Error::medium_failed);
    EXPECT_EQ(medium.sync(0, 64), Error::medium_failed) << "not tried";
    Medium again(image);
    EXPECT_EQ(again.sync(0, 64), Error::none);
    int lost = 0;
    for (std::uint64_t offset = 0; offset < 64; offset += 8)
        lost += word(image.power_cut_losing_all(), offset) == 0;
    EXPECT_GT(lost, 0);
    // Unless it is stored again.
    for (std::uint64_t offset = 0; offset < 64; offset += 8)
        again.store(offset, again.load(offset));
    EXPECT_EQ(again.sync(0, 64), Error::none);
    for (std::uint64_t offset = 0; offset < 64; offset += 8)
        EXPECT_EQ(word(image.power_cut_losing_all(), offset), 7U);
}

TEST(SimulatedMedium, AMutationDropsOrDelaysOneStep)
{
    SimulatedImage image(4096, Granularity::cache_line);
    Medium medium(image);
    const auto store_and_fence = [&] {
        medium.store(0, 7);
        medium.flush(0, 8);
        medium.fence();
    };
    Mutation::collect(true);
    store_and_fence();
    const std::vector<Mutation::Site> sites = Mutation::collected();
    Mutation::collect(false);
    int killed = 0;
    for (const Mutation::Site &site : sites) {
        if (site.file.find("medium_test.cpp") == std::string::npos)
            continue;
        for (const Mutation::Kind kind : {Mutation::Kind::drop, Mutation::Kind::delay}) {
            image.reset(SimulatedImage::Bytes(4096));
            Mutation::set(site, kind);
            store_and_fence();
            Mutation::clear();
            EXPECT_EQ(word(image.power_cut_losing_all(), 0), 0U) << to_string(site);
            ++killed;
        }
    }
    EXPECT_EQ(killed, 6);
}

} // namespace
} // namespace pms
