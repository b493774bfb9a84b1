// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

#include "commit/commit.hpp"

#include "format/layout.hpp"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace pms {
namespace {

TEST(Commit, WatermarksMoveInTheOrderOfTheTimestamps)
{
    Commit commit(8, 0);
    EXPECT_EQ(commit.take(), 1U);
    EXPECT_EQ(commit.take(), 2U);
    EXPECT_EQ(commit.take(), 3U);
    commit.mark(3, true);
    commit.mark(2, true);
    EXPECT_EQ(commit.committed(), 0U);
    EXPECT_EQ(commit.persisted(), 0U);
    commit.mark(1, true);
    EXPECT_EQ(commit.committed(), 3U);
    EXPECT_EQ(commit.persisted(), 3U);
}

TEST(Commit, WhatIsNotDurableStopsThePersistedWatermarkOnly)
{
    Commit commit(8, 10);
    commit.take();
    commit.take();
    commit.take();
    commit.mark(11, true);
    commit.mark(12, false);
    commit.mark(13, true);
    EXPECT_EQ(commit.committed(), 13U);
    EXPECT_EQ(commit.persisted(), 11U);
    commit.raise_persisted(12);
    EXPECT_EQ(commit.persisted(), 13U) << "13 is marked durable";
    commit.raise_persisted(5);
    EXPECT_EQ(commit.persisted(), 13U);
}

TEST(Commit, SlotsAreUsedAgainOnceCommitted)
{
    Commit commit(4, 0);
    for (std::uint64_t timestamp = 1; timestamp <= 4; ++timestamp) {
        EXPECT_TRUE(commit.has_slot(timestamp));
        commit.take();
    }
    EXPECT_FALSE(commit.has_slot(5));
    commit.mark(1, false);
    EXPECT_TRUE(commit.has_slot(5));
    EXPECT_FALSE(commit.has_slot(6));
    EXPECT_EQ(commit.take(), 5U);
    commit.mark(5, false); // in the slot that 1 had
    commit.mark(3, false);
    EXPECT_EQ(commit.committed(), 1U);
    commit.mark(2, false);
    EXPECT_EQ(commit.committed(), 3U);
    commit.mark(4, false);
    EXPECT_EQ(commit.committed(), 5U);
    EXPECT_EQ(commit.persisted(), 0U);
}

TEST(Commit, TimestampsEnd)
{
    EXPECT_FALSE(Commit(8, 0).exhausted());
    EXPECT_TRUE(Commit(8, format::max_timestamp).exhausted());
}

struct Woken {
    int times = 0;
    static void wake(void *data) { ++static_cast<Woken *>(data)->times; }
};

TEST(Commit, AWatchedFutureIsWokenOnceWhenItsTimestampIsCommitted)
{
    Commit commit(8, 0);
    Woken first, second, replaced;
    const int keys[2] = {};
    commit.watch(&keys[0], 1, {&replaced, Woken::wake});
    commit.watch(&keys[0], 2, {&first, Woken::wake});
    commit.watch(&keys[1], 1, {&second, Woken::wake});
    commit.take();
    commit.mark(1, false);
    EXPECT_EQ(second.times, 1);
    EXPECT_EQ(first.times, 0);
    commit.take();
    commit.mark(2, true);
    EXPECT_EQ(first.times, 1);
    EXPECT_EQ(second.times, 1);
    EXPECT_EQ(replaced.times, 0);
}

TEST(Commit, AnUnwatchedFutureIsNotWoken)
{
    Commit commit(8, 0);
    Woken woken;
    commit.watch(&commit, 1, {&woken, Woken::wake});
    commit.unwatch(&commit);
    commit.notify_all_futures();
    EXPECT_EQ(woken.times, 0);
}

TEST(Commit, APollersWordIsSetWhenItsTimestampIsCommitted)
{
    Commit commit(8, 0);
    const int key = 0;
    const auto *word = commit.watch_by_word(&key, 2);
    commit.take();
    commit.mark(1, true);
    EXPECT_EQ(*word, 0U);
    commit.take();
    commit.mark(2, true);
    EXPECT_EQ(*word, 1U);
    EXPECT_EQ(commit.watch_by_word(&key, 3), word);
    EXPECT_EQ(*word, 0U);
    commit.notify_all_futures();
    EXPECT_EQ(*word, 1U);
}

// More threads than cores, few slots: no mark is lost, whoever looks last moves the watermark.
TEST(Commit, ManyThreadsLoseNoMark)
{
    constexpr int threads = 16;
    constexpr std::uint64_t each = 5000;
    Commit commit(1 << 17, 0);
    std::vector<std::jthread> running;
    for (int thread = 0; thread < threads; ++thread)
        running.emplace_back([&, thread] {
            for (std::uint64_t i = 0; i < each; ++i) {
                const std::uint64_t timestamp = commit.take();
                const bool durable = thread % 2 == 0;
                commit.mark(timestamp, durable);
                if (i % 64 == 0) {
                    while (commit.committed() < timestamp)
                        commit.sleep_until([&] { return commit.committed() >= timestamp; });
                    commit.raise_persisted(timestamp);
                }
            }
        });
    running.clear();
    EXPECT_EQ(commit.handed_out(), threads * each);
    EXPECT_EQ(commit.committed(), threads * each);
}

} // namespace
} // namespace pms
