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
    commit.wake_futures();
    EXPECT_EQ(second.times, 1);
    EXPECT_EQ(first.times, 0);
    commit.take();
    commit.mark(2, true);
    commit.wake_futures();
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
    commit.notify_all();
    commit.wake_futures();
    EXPECT_EQ(woken.times, 0);
}

TEST(Commit, APollersWordIsSetWhenItsTimestampIsCommitted)
{
    Commit commit(8, 0);
    const int key = 0;
    const auto *word = commit.watch_by_word(&key, 2);
    commit.take();
    commit.mark(1, true);
    commit.wake_futures();
    EXPECT_EQ(*word, 0U);
    commit.take();
    commit.mark(2, true);
    commit.wake_futures();
    EXPECT_EQ(*word, 1U);
    EXPECT_EQ(commit.watch_by_word(&key, 3), word);
    EXPECT_EQ(*word, 0U);
    commit.notify_all();
    commit.wake_futures();
    EXPECT_EQ(*word, 1U);
}

// A thread that lost its processor between the look at the next timestamp's slot and the taking looks for a slot again
// when others are far ahead.
TEST(Commit, ATimestampThatWasCommittedLongAgoHasASlot)
{
    Commit commit(4, 0);
    for (std::uint64_t timestamp = 1; timestamp <= 100; ++timestamp) {
        commit.take();
        commit.mark(timestamp, true);
    }
    EXPECT_TRUE(commit.has_slot(1));
    EXPECT_TRUE(commit.has_slot(104));
    EXPECT_FALSE(commit.has_slot(105));
}

// Wakers may do what any caller may.
TEST(Commit, AWakerMayWatchAgainAndUnwatch)
{
    struct Future {
        Commit &commit;
        std::uint64_t next;
        int wakes;
        static void wake(void *data)
        {
            auto *self = static_cast<Future *>(data);
            self->commit.unwatch(self);
            if (++self->wakes == 4)
                return;
            self->commit.watch(self, ++self->next, {self, wake});
            self->commit.take();
            self->commit.mark(self->commit.handed_out(), true);
            self->commit.wake_futures();
        }
    };
    Commit commit(8, 0);
    Future future{commit, 1, 0};
    commit.watch(&future, 1, {&future, Future::wake});
    commit.take();
    commit.mark(1, true);
    commit.wake_futures();
    EXPECT_EQ(future.wakes, 4);
}

// An unwatched future's waker has returned.
TEST(Commit, UnwatchWaitsForACallThatIsUnderWay)
{
    struct Slow {
        std::atomic<bool> inside{false};
        std::atomic<bool> done{false};
        static void wake(void *data)
        {
            auto *self = static_cast<Slow *>(data);
            self->inside = true;
            self->inside.notify_all();
            std::this_thread::sleep_for(std::chrono::milliseconds(20));
            self->done = true;
        }
    };
    Commit commit(8, 0);
    Slow slow;
    commit.watch(&slow, 1, {&slow, Slow::wake});
    std::jthread waker([&] {
        commit.take();
        commit.mark(1, true);
        commit.wake_futures();
    });
    slow.inside.wait(false);
    commit.unwatch(&slow);
    EXPECT_TRUE(slow.done);
}

// What was dropped half polled costs nobody anything.
TEST(Commit, WatchesThatAreNotDueAreNotLookedAt)
{
    Commit commit(8, 0);
    std::vector<int> keys(10000);
    for (const int &key : keys)
        commit.watch(&key, 1000, {nullptr, [](void *) { FAIL(); }});
    for (std::uint64_t timestamp = 1; timestamp < 1000; ++timestamp) {
        commit.take();
        commit.mark(timestamp, true);
        commit.wake_futures();
    }
    for (const int &key : keys)
        commit.unwatch(&key);
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
                        commit.sleep_until(timestamp, [&] {
                            commit.advance();
                            return commit.committed() >= timestamp;
                        });
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
