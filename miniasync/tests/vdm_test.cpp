// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// The futures of vdm.h, with a mover that does what the test tells it.

#include <libminiasync.h>

#include <gtest/gtest.h>

namespace {

struct FakeMover : vdm {
    FakeMover() : vdm{}
    {
        op_new = [](vdm *self, vdm_operation_type) -> void * {
            auto *mover = static_cast<FakeMover *>(self);
            ++mover->news;
            return mover->out_of_memory ? nullptr : mover;
        };
        op_start = [](void *data, const vdm_operation *what, future_notifier *given) {
            auto *mover = static_cast<FakeMover *>(data);
            ++mover->starts;
            mover->operation = *what;
            mover->notifier = given;
            return mover->refusals-- > 0 ? 5 : 0;
        };
        op_check = [](void *data, const vdm_operation *) {
            auto *mover = static_cast<FakeMover *>(data);
            ++mover->checks;
            return mover->done ? FUTURE_STATE_COMPLETE : FUTURE_STATE_RUNNING;
        };
        op_delete = [](void *data, const vdm_operation *what, vdm_operation_output *output) {
            auto *mover = static_cast<FakeMover *>(data);
            ++mover->deletes;
            output->type = what->type;
            output->result = VDM_SUCCESS;
        };
        has_property = [](void *, future_property) { return 1; };
    }

    bool out_of_memory = false;
    bool done = true;
    int refusals = 0;

    int news = 0;
    int starts = 0;
    int checks = 0;
    int deletes = 0;
    vdm_operation operation{};
    future_notifier *notifier = nullptr;
};

char dest[16];
char src[16];

TEST(Vdm, OperationIsIdleUntilItsFirstPoll)
{
    FakeMover mover;
    vdm_operation_future future = vdm_memcpy(&mover, dest, src, 16, 0);

    EXPECT_EQ(FUTURE_STATE(&future), FUTURE_STATE_IDLE);
    EXPECT_EQ(mover.news, 1);
    EXPECT_EQ(mover.starts, 0);

    mover.done = false;
    EXPECT_EQ(future_poll(FUTURE_AS_RUNNABLE(&future), nullptr), FUTURE_STATE_RUNNING);
    EXPECT_EQ(mover.starts, 1);
}

TEST(Vdm, OperationIsStartedOnceCheckedUntilDoneAndDeletedOnce)
{
    FakeMover mover;
    future_notifier notifier{};
    vdm_operation_future future = vdm_memcpy(&mover, dest, src, 16, 0);

    mover.done = false;
    future_poll(FUTURE_AS_RUNNABLE(&future), &notifier);
    EXPECT_EQ(mover.notifier, &notifier);
    future_poll(FUTURE_AS_RUNNABLE(&future), &notifier);
    EXPECT_EQ(mover.starts, 1);
    EXPECT_EQ(mover.checks, 2);
    EXPECT_EQ(mover.deletes, 0);

    mover.done = true;
    EXPECT_EQ(future_poll(FUTURE_AS_RUNNABLE(&future), &notifier), FUTURE_STATE_COMPLETE);
    future_poll(FUTURE_AS_RUNNABLE(&future), &notifier);
    EXPECT_EQ(mover.starts, 1);
    EXPECT_EQ(mover.checks, 3);
    EXPECT_EQ(mover.deletes, 1);
    EXPECT_EQ(FUTURE_OUTPUT(&future)->result, VDM_SUCCESS);
}

TEST(Vdm, OperationThatIsNotStartedIsTriedAgain)
{
    FakeMover mover;
    vdm_operation_future future = vdm_memcpy(&mover, dest, src, 16, 0);

    mover.refusals = 2;
    EXPECT_EQ(future_poll(FUTURE_AS_RUNNABLE(&future), nullptr), FUTURE_STATE_IDLE);
    EXPECT_EQ(future_poll(FUTURE_AS_RUNNABLE(&future), nullptr), FUTURE_STATE_IDLE);
    EXPECT_EQ(mover.starts, 2);
    EXPECT_EQ(mover.checks, 0);
    EXPECT_EQ(future_poll(FUTURE_AS_RUNNABLE(&future), nullptr), FUTURE_STATE_COMPLETE);
    EXPECT_EQ(mover.starts, 3);
}

TEST(Vdm, OperationWithoutMemoryIsBornComplete)
{
    FakeMover mover;

    mover.out_of_memory = true;
    vdm_operation_future futures[] = {vdm_memcpy(&mover, dest, src, 16, 0), vdm_memmove(&mover, dest, src, 16, 0),
                                      vdm_memset(&mover, dest, 1, 16, 0), vdm_flush(&mover, dest, 16, 0)};
    for (vdm_operation_future &future : futures) {
        EXPECT_EQ(FUTURE_STATE(&future), FUTURE_STATE_COMPLETE);
        EXPECT_EQ(FUTURE_OUTPUT(&future)->result, VDM_ERROR_OUT_OF_MEMORY);
        EXPECT_EQ(FUTURE_OUTPUT(&future)->type, future.data.operation.type);
        EXPECT_EQ(future_poll(FUTURE_AS_RUNNABLE(&future), nullptr), FUTURE_STATE_COMPLETE);
    }
    EXPECT_EQ(mover.starts, 0);
    EXPECT_EQ(mover.deletes, 0);
}

TEST(Vdm, OperationHasThePropertiesOfItsMover)
{
    FakeMover mover;
    vdm_operation_future future = vdm_memcpy(&mover, dest, src, 16, 0);

    EXPECT_EQ(future_has_property(&future, FUTURE_PROPERTY_ASYNC), 1);
}

TEST(Vdm, OperationsCarryTheirArguments)
{
    FakeMover mover;

    vdm_operation_future copy = vdm_memcpy(&mover, dest, src, 9, VDM_F_MEM_DURABLE);
    FUTURE_BUSY_POLL(&copy);
    EXPECT_EQ(mover.operation.type, VDM_OPERATION_MEMCPY);
    EXPECT_EQ(mover.operation.data.memcpy.dest, dest);
    EXPECT_EQ(mover.operation.data.memcpy.src, src);
    EXPECT_EQ(mover.operation.data.memcpy.n, 9U);
    EXPECT_EQ(mover.operation.data.memcpy.flags, VDM_F_MEM_DURABLE);

    vdm_operation_future move = vdm_memmove(&mover, dest, src, 10, VDM_F_NO_CACHE_HINT);
    FUTURE_BUSY_POLL(&move);
    EXPECT_EQ(mover.operation.type, VDM_OPERATION_MEMMOVE);
    EXPECT_EQ(mover.operation.data.memmove.dest, dest);
    EXPECT_EQ(mover.operation.data.memmove.src, src);
    EXPECT_EQ(mover.operation.data.memmove.n, 10U);
    EXPECT_EQ(mover.operation.data.memmove.flags, VDM_F_NO_CACHE_HINT);

    vdm_operation_future set = vdm_memset(&mover, dest, 'x', 11, VDM_F_VALID_FLAGS);
    FUTURE_BUSY_POLL(&set);
    EXPECT_EQ(mover.operation.type, VDM_OPERATION_MEMSET);
    EXPECT_EQ(mover.operation.data.memset.str, dest);
    EXPECT_EQ(mover.operation.data.memset.c, 'x');
    EXPECT_EQ(mover.operation.data.memset.n, 11U);
    EXPECT_EQ(mover.operation.data.memset.flags, VDM_F_VALID_FLAGS);

    vdm_operation_future flush = vdm_flush(&mover, dest, 12, 0);
    FUTURE_BUSY_POLL(&flush);
    EXPECT_EQ(mover.operation.type, VDM_OPERATION_FLUSH);
    EXPECT_EQ(mover.operation.data.flush.dest, dest);
    EXPECT_EQ(mover.operation.data.flush.n, 12U);
    EXPECT_EQ(mover.operation.data.flush.flags, 0U);
}

TEST(Vdm, SupportsWhatItsCapabilitiesSay)
{
    FakeMover mover;

    mover.capabilities = VDM_F_MEM_DURABLE;
    EXPECT_TRUE(vdm_is_supported(&mover, VDM_F_MEM_DURABLE));
    EXPECT_FALSE(vdm_is_supported(&mover, VDM_F_NO_CACHE_HINT));
    EXPECT_FALSE(vdm_is_supported(&mover, VDM_F_VALID_FLAGS));
}

} // namespace
