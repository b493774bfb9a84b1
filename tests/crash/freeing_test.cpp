// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// Allocating and freeing, with crashes at every fence.

#include "support/crash_points.hpp"
#include "support/sim_stream.hpp"

#include <atomic>
#include <chrono>
#include <thread>

#include <algorithm>
#include <set>

namespace pms {
namespace {

class Tiling : public testing::TestWithParam<Granularity> {};
INSTANTIATE_TEST_SUITE_P(Media, Tiling, testing::ValuesIn(all_granularities),
                         [](const auto &info) { return to_string(info.param); });

TEST_P(Tiling, SpaceIsConservedAndRegionsAreDisjointAtEachFence)
{
    SimulatedImage image(32 * 1024, GetParam());
    CrashPoints crashes(image, 4, 1);
    SimStream stream(image);
    std::vector<pmemstream_region> live;
    std::mt19937_64 random(7);
    for (int i = 0; i < 40; ++i) {
        pmemstream_region region{};
        if (live.empty() || random() % 5 < 3) {
            if (pmemstream_region_allocate(stream.get(), 64 << random() % 7, &region) == 0) {
                live.push_back(region);
                stream.append(region, "x");
            }
        } else {
            const auto chosen = live.begin() + static_cast<std::ptrdiff_t>(random() % live.size());
            EXPECT_EQ(pmemstream_region_free(stream.get(), *chosen), 0);
            live.erase(chosen);
        }
    }
    stream.close();
    for (const CrashState &state : crashes.states) {
        SCOPED_TRACE(state.how);
        SimulatedImage after(state.bytes, GetParam());
        SimStream recovered(after);
        ASSERT_NE(recovered.get(), nullptr);
        EXPECT_TRUE(recovered.damages().empty());
        const pmemstream_info info = recovered.info();
        std::uint64_t space = info.metadata_size + info.free_size;
        std::vector<std::pair<std::uint64_t, std::uint64_t>> spans;
        std::set<std::uint64_t> generations;
        for (const auto region : recovered.regions()) {
            pmemstream_region_info told{};
            ASSERT_EQ(pmemstream_get_region_info(recovered.get(), region, &told, sizeof told), 0);
            EXPECT_TRUE(generations.insert(told.generation).second);
            space += told.size + 64;
            spans.emplace_back(region.offset, region.offset + told.size + 64);
        }
        EXPECT_EQ(space, info.size);
        std::ranges::sort(spans);
        for (std::size_t i = 1; i < spans.size(); ++i)
            EXPECT_LE(spans[i - 1].second, spans[i].first);
    }
}

TEST_P(Tiling, ACutInTheMiddleOfAnAllocationLeavesNoDifferenceBehind)
{
    SimulatedImage image(32 * 1024, GetParam());
    SimStream stream(image);
    CrashPoints crashes(image, 20, 3);
    stream.allocate(1000);
    stream.abandon();
    for (const CrashState &state : crashes.states) {
        SCOPED_TRACE(state.how);
        SimulatedImage after(state.bytes, GetParam());
        SimStream(after).close();
        SimStream reopened(after);
        EXPECT_TRUE(reopened.info().was_clean);
        EXPECT_EQ(reopened.info().damage_count, 0U);
        EXPECT_TRUE(reopened.damages().empty());
    }
}

TEST_P(Tiling, AFreedRegionDoesNotComeBackAndALiveOneDoesNotGo)
{
    SimulatedImage image(32 * 1024, GetParam());
    SimStream stream(image);
    const auto kept = stream.allocate(1000);
    const auto freed = stream.allocate(1000);
    stream.append(kept, "kept");
    stream.append(freed, "freed");
    CrashPoints crashes(image, 10, 9);
    EXPECT_EQ(pmemstream_region_free(stream.get(), freed), 0);
    const std::size_t during = crashes.states.size();
    crashes.take();
    stream.abandon();
    for (std::size_t i = 0; i < crashes.states.size(); ++i) {
        SCOPED_TRACE(crashes.states[i].how);
        SimulatedImage after(crashes.states[i].bytes, GetParam());
        SimStream recovered(after);
        const Content content = recovered.content();
        EXPECT_EQ(content.at(1), "kept");
        EXPECT_EQ(recovered.persisted(), 2U) << "also when the entry is gone, its timestamp is not used again";
        if (i >= during) {
            EXPECT_FALSE(content.contains(2));
            EXPECT_EQ(recovered.regions().size(), 1U);
        }
    }
}

TEST_P(Tiling, AllocationAfterACrashUsesGenerationsThatNobodyHad)
{
    SimulatedImage image(32 * 1024, GetParam());
    CrashPoints crashes(image, 3, 2);
    SimStream stream(image);
    const auto first = stream.allocate(500);
    EXPECT_EQ(pmemstream_region_free(stream.get(), first), 0);
    const auto second = stream.allocate(500);
    pmemstream_region_info info{};
    ASSERT_EQ(pmemstream_get_region_info(stream.get(), second, &info, sizeof info), 0);
    EXPECT_EQ(info.generation, 2U);
    stream.abandon();
    SimulatedImage after(image.power_cut_losing_all(), GetParam());
    SimStream recovered(after);
    ASSERT_EQ(pmemstream_get_region_info(recovered.get(), recovered.allocate(500), &info, sizeof info), 0);
    EXPECT_EQ(info.generation, 3U);
}

// Checkpoints are about to follow the durable timestamp, a region among them is freed and its space allocated again:
// the new region's header is left alone.
TEST(Freeing, ACheckpointIsNotMovedInARegionThatWasFreedMeanwhile)
{
    SimulatedImage image(4 << 20, Granularity::cache_line);
    SimStream stream(image);
    const auto held = stream.allocate(200000);
    const auto freed = stream.allocate(8000);
    const auto busy = stream.allocate(2 << 20);
    stream.append(held, "in the list first");
    for (int i = 0; i < 10; ++i)
        stream.append(freed, "of the region that goes");

    // This thread stays inside a fence with the first region's lock held.
    std::atomic<bool> inside{false};
    std::atomic<bool> go{false};
    std::atomic<std::thread::id> holder{};
    image.before_fence = [&] {
        if (std::this_thread::get_id() != holder.load())
            return;
        inside = true;
        inside.notify_all();
        go.wait(false);
    };
    std::jthread holds([&] {
        holder = std::this_thread::get_id();
        stream.append(held, std::string(70000, 'h')); // moves the limit
    });
    inside.wait(false);
    // This one moves checkpoints, and waits for that lock.
    std::jthread covers([&] {
        for (int i = 0; i < 12; ++i)
            stream.async_append(busy, std::string(60000, 'b'));
    });
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    // While it waits. Where the time was too short for that, this one waits too, and nothing is tested.
    pmemstream_region again{};
    std::jthread frees([&] {
        EXPECT_EQ(pmemstream_region_free(stream.get(), freed), 0);
        again = stream.allocate(8000);
    });
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    go = true;
    go.notify_all();
    holds.join();
    covers.join();
    frees.join();
    EXPECT_EQ(again.offset, freed.offset);
    image.before_fence = nullptr;

    stream.append(again, "of the region that came");
    stream.abandon();
    SimulatedImage after(image.killed(), Granularity::cache_line);
    SimStream reopened(after);
    ASSERT_NE(reopened.get(), nullptr);
    EXPECT_EQ(reopened.entries(again), std::vector<std::string>{"of the region that came"});
    EXPECT_TRUE(reopened.damages().empty());
}

} // namespace
} // namespace pms
