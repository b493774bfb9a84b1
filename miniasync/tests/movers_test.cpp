// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// What every mover does, whatever its notifier.

#include "support/mover.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <string>

namespace {

// The synchronous mover, or the threads mover with each notifier.
class Movers : public testing::TestWithParam<const char *> {
protected:
    void SetUp() override
    {
        const std::string name = GetParam();
        if (name == "sync") {
            sync_.reset(data_mover_sync_new());
            ASSERT_TRUE(sync_);
            vdm_ = data_mover_sync_get_vdm(sync_.get());
            return;
        }
        threads_ = new_threads_mover(2, 4,
                                     name == "waker"    ? FUTURE_NOTIFIER_WAKER
                                     : name == "poller" ? FUTURE_NOTIFIER_POLLER
                                                        : FUTURE_NOTIFIER_NONE);
        ASSERT_TRUE(threads_);
        vdm_ = data_mover_threads_get_vdm(threads_.get());
    }

    const vdm_operation_output *run(vdm_operation_future &future)
    {
        runtime_wait(runtime_.get(), FUTURE_AS_RUNNABLE(&future));
        return FUTURE_OUTPUT(&future);
    }

    SyncMover sync_;
    ThreadsMover threads_;
    Runtime runtime_{runtime_new()};
    vdm *vdm_ = nullptr;
};

INSTANTIATE_TEST_SUITE_P(All, Movers, testing::Values("sync", "none", "waker", "poller"),
                         [](const auto &test) { return test.param; });

TEST_P(Movers, Copy)
{
    char source[] = "0123456789";
    char target[sizeof(source)] = "";
    vdm_operation_future future = vdm_memcpy(vdm_, target, source, sizeof(source), 0);

    const vdm_operation_output *output = run(future);
    EXPECT_EQ(output->result, VDM_SUCCESS);
    EXPECT_EQ(output->type, VDM_OPERATION_MEMCPY);
    EXPECT_EQ(output->output.memcpy.dest, target);
    EXPECT_STREQ(target, source);
}

TEST_P(Movers, MoveWithinOneArea)
{
    char area[] = "0123456789";
    vdm_operation_future future = vdm_memmove(vdm_, area + 2, area, 8, 0);

    const vdm_operation_output *output = run(future);
    EXPECT_EQ(output->result, VDM_SUCCESS);
    EXPECT_EQ(output->type, VDM_OPERATION_MEMMOVE);
    EXPECT_EQ(output->output.memmove.dest, area + 2);
    EXPECT_STREQ(area, "0101234567");
}

TEST_P(Movers, Set)
{
    char area[] = "0123456789";
    vdm_operation_future future = vdm_memset(vdm_, area + 1, 'x', 8, 0);

    const vdm_operation_output *output = run(future);
    EXPECT_EQ(output->result, VDM_SUCCESS);
    EXPECT_EQ(output->type, VDM_OPERATION_MEMSET);
    EXPECT_EQ(output->output.memset.str, area + 1);
    EXPECT_STREQ(area, "0xxxxxxxx9");
}

TEST_P(Movers, FlushWhereTheProcessorCan)
{
    std::string area(1000, 'x');
    vdm_operation_future future = vdm_flush(vdm_, area.data() + 1, area.size() - 1, 0);

    const vdm_operation_output *output = run(future);
    EXPECT_EQ(output->result, vdm_is_supported(vdm_, VDM_F_MEM_DURABLE) ? VDM_SUCCESS : VDM_ERROR_JOB_CORRUPTED);
    EXPECT_EQ(output->type, VDM_OPERATION_FLUSH);
    EXPECT_EQ(output->output.flush.unused, 0U);
    EXPECT_EQ(area, std::string(1000, 'x'));
}

TEST_P(Movers, CopyDurably)
{
    char source[] = "0123456789";
    char target[sizeof(source)] = "";
    vdm_operation_future future = vdm_memcpy(vdm_, target, source, sizeof(source), VDM_F_VALID_FLAGS);

    if (!vdm_is_supported(vdm_, VDM_F_MEM_DURABLE)) {
        EXPECT_EQ(run(future)->result, VDM_ERROR_JOB_CORRUPTED);
        return;
    }
    EXPECT_EQ(run(future)->result, VDM_SUCCESS);
    EXPECT_STREQ(target, source);
}

TEST_P(Movers, DoNothingForNoBytes)
{
    vdm_operation_future futures[] = {vdm_memcpy(vdm_, nullptr, nullptr, 0, 0),
                                      vdm_memmove(vdm_, nullptr, nullptr, 0, 0), vdm_memset(vdm_, nullptr, 1, 0, 0)};
    for (vdm_operation_future &future : futures) {
        EXPECT_EQ(run(future)->result, VDM_SUCCESS);
    }
}

TEST_P(Movers, RefuseUnknownFlagsAndWriteNothing)
{
    char source[] = "abc";
    char target[] = "xyz";
    vdm_operation_future copy = vdm_memcpy(vdm_, target, source, 3, std::uint64_t{1} << 40);
    vdm_operation_future flush = vdm_flush(vdm_, target, 3, 4);

    EXPECT_EQ(run(copy)->result, VDM_ERROR_JOB_CORRUPTED);
    EXPECT_EQ(run(flush)->result, VDM_ERROR_JOB_CORRUPTED);
    EXPECT_STREQ(target, "xyz");
}

TEST_P(Movers, AreAsynchronousIfTheyHaveThreads)
{
    vdm_operation_future future = vdm_memset(vdm_, nullptr, 0, 0, 0);

    EXPECT_EQ(future_has_property(&future, FUTURE_PROPERTY_ASYNC), threads_ ? 1 : 0);
    run(future);
}

TEST_P(Movers, LoseNothingWhenFuturesAreDropped)
{
    static char targets[8];
    char target = 0;

    for (char &dropped : targets) {
        vdm_operation_future never_polled = vdm_memset(vdm_, &dropped, 1, 1, 0);
        vdm_operation_future half_polled = vdm_memset(vdm_, &dropped, 1, 1, 0);
        EXPECT_EQ(FUTURE_STATE(&never_polled), FUTURE_STATE_IDLE);
        future_poll(FUTURE_AS_RUNNABLE(&half_polled), nullptr);
    }
    vdm_operation_future future = vdm_memset(vdm_, &target, 1, 1, 0);
    EXPECT_EQ(run(future)->result, VDM_SUCCESS);
    EXPECT_EQ(target, 1);
}

TEST(SyncMover, CompletesInTheFirstPollAndUsesNoNotifier)
{
    SyncMover mover(data_mover_sync_new());
    char target = 0;
    future_notifier notifier{};
    vdm_operation_future future = vdm_memset(data_mover_sync_get_vdm(mover.get()), &target, 1, 1, 0);

    EXPECT_EQ(target, 0);
    EXPECT_EQ(future_poll(FUTURE_AS_RUNNABLE(&future), &notifier), FUTURE_STATE_COMPLETE);
    EXPECT_EQ(target, 1);
    EXPECT_EQ(notifier.notifier_used, FUTURE_NOTIFIER_NONE);
}

TEST(SyncMover, DeleteTakesNull)
{
    data_mover_sync_delete(nullptr);
}

} // namespace
