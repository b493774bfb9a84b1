// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// What happens when there is no memory.

#include "support/allocation_faults.hpp"
#include "support/mover.hpp"

#include <gtest/gtest.h>

#include <cerrno>

namespace {

class OutOfMemory : public testing::Test {
protected:
    void SetUp() override
    {
        if (!AllocationFaults::in_use()) {
            GTEST_SKIP() << "the functions of this program are not in use";
        }
    }
};

TEST_F(OutOfMemory, NothingIsMade)
{
    data_mover_sync *sync = nullptr;
    runtime *rt = nullptr;
    AllocationFaults none(1, true);
    none.run([&] {
        errno = 0;
        sync = data_mover_sync_new();
        EXPECT_EQ(errno, ENOMEM);
        errno = 0;
        rt = runtime_new();
        EXPECT_EQ(errno, ENOMEM);
    });
    EXPECT_EQ(sync, nullptr);
    EXPECT_EQ(rt, nullptr);
}

TEST_F(OutOfMemory, AThreadsMoverIsMadeCompletelyOrNotAtAll)
{
    ThreadsMover mover;
    int allocations = 0;

    for (; !mover; ++allocations) {
        errno = 0;
        AllocationFaults faults(allocations + 1, true);
        mover = faults.run([] { return new_threads_mover(3, 4, FUTURE_NOTIFIER_WAKER); });
        if (!mover) {
            ASSERT_EQ(errno, ENOMEM);
        }
    }
    EXPECT_GT(allocations, 4);
}

TEST_F(OutOfMemory, AnOperationSaysSo)
{
    ThreadsMover mover = new_threads_mover(1, 1, FUTURE_NOTIFIER_NONE);
    AllocationFaults none(1, true);
    vdm_operation_future future =
        none.run([&] { return vdm_memset(data_mover_threads_get_vdm(mover.get()), nullptr, 0, 0, 0); });
    EXPECT_EQ(FUTURE_STATE(&future), FUTURE_STATE_COMPLETE);
    EXPECT_EQ(FUTURE_OUTPUT(&future)->result, VDM_ERROR_OUT_OF_MEMORY);
}

TEST_F(OutOfMemory, TheRuntimeWaitsAllTheSame)
{
    ThreadsMover mover = new_threads_mover(1, 4, FUTURE_NOTIFIER_WAKER);
    Runtime runtime(runtime_new());
    char targets[100] = {};
    vdm_operation_future futures[100];
    future *runnables[101] = {};

    for (int allocations = 0; allocations < 4; ++allocations) {
        for (int i = 0; i < 100; ++i) {
            targets[i] = 0;
            futures[i] = vdm_memset(data_mover_threads_get_vdm(mover.get()), &targets[i], 1, 1, 0);
            runnables[i] = FUTURE_AS_RUNNABLE(&futures[i]);
        }
        AllocationFaults faults(allocations + 1, true);
        faults.run([&] { runtime_wait_multiple(runtime.get(), runnables, 101); });
        for (char target : targets) {
            ASSERT_EQ(target, 1);
        }
    }
}

} // namespace
