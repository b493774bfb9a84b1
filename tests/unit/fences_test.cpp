// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// The pair of fences that ships, on the processor that there is.

#include "sync/sync.hpp"

#include <gtest/gtest.h>

#include <thread>

namespace pms {
namespace {

// As fast as can be, unless the other has no processor.
void wait_for(const std::atomic<int> &number, int value)
{
    for (int i = 0; number.load(std::memory_order_acquire) != value; ++i)
        if (i > 10000)
            std::this_thread::yield();
}

// Each of two threads stores and then looks for the other's store: without the fences both miss it now and then.
void expect_one_sees_the_other(int rounds)
{
    std::atomic<int> light_store{0};
    std::atomic<int> heavy_store{0};
    std::atomic<int> light_saw{0};
    std::atomic<int> started{0};
    std::atomic<int> ended{0};
    std::thread light([&] {
        for (int round = 1; round <= rounds; ++round) {
            wait_for(started, round);
            light_store.store(round, std::memory_order_relaxed);
            sync::light_fence();
            light_saw.store(heavy_store.load(std::memory_order_relaxed), std::memory_order_relaxed);
            ended.store(round, std::memory_order_release);
        }
    });
    int both_missed = 0;
    for (int round = 1; round <= rounds; ++round) {
        started.store(round, std::memory_order_release);
        // The other begins some time later: as long as it takes a line to travel, more or less.
        for (int i = 0; i < round % 256; ++i)
            std::atomic_signal_fence(std::memory_order_seq_cst);
        heavy_store.store(round, std::memory_order_relaxed);
        sync::heavy_fence();
        const bool heavy_saw = light_store.load(std::memory_order_relaxed) == round;
        wait_for(ended, round);
        both_missed += !heavy_saw && light_saw.load(std::memory_order_relaxed) != round ? 1 : 0;
    }
    light.join();
    EXPECT_EQ(both_missed, 0);
}

TEST(Fences, OneSeesTheOther)
{
    expect_one_sees_the_other(10000);
}

TEST(Fences, OneSeesTheOtherWithoutMembarrier)
{
    const bool had = sync::has_membarrier.exchange(false);
    expect_one_sees_the_other(200000);
    sync::has_membarrier.store(had);
}

TEST(Fences, LeaveErrnoAlone)
{
    errno = 54321;
    sync::heavy_fence();
    EXPECT_EQ(errno, 54321);
}

} // namespace
} // namespace pms
