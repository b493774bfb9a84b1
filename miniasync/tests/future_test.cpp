// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// Futures on their own.

#include <libminiasync.h>

#include <gtest/gtest.h>

namespace {

struct CountdownData {
    int polls_left;
    future_notifier *notifier_seen;
};

struct CountdownOutput {
    int polls;
};

FUTURE(countdown_future, CountdownData, CountdownOutput);

future_state countdown_task(future_context *context, future_notifier *notifier)
{
    auto *data = static_cast<CountdownData *>(future_context_get_data(context));
    auto *output = static_cast<CountdownOutput *>(future_context_get_output(context));

    data->notifier_seen = notifier;
    ++output->polls;
    return --data->polls_left > 0 ? FUTURE_STATE_RUNNING : FUTURE_STATE_COMPLETE;
}

countdown_future countdown(int polls)
{
    countdown_future future{};

    future.data.polls_left = polls;
    FUTURE_INIT(&future, countdown_task);
    return future;
}

TEST(Future, IsIdleThenRunningThenComplete)
{
    countdown_future future = countdown(2);

    EXPECT_EQ(FUTURE_STATE(&future), FUTURE_STATE_IDLE);
    EXPECT_EQ(future_poll(FUTURE_AS_RUNNABLE(&future), nullptr), FUTURE_STATE_RUNNING);
    EXPECT_EQ(FUTURE_STATE(&future), FUTURE_STATE_RUNNING);
    EXPECT_EQ(future_poll(FUTURE_AS_RUNNABLE(&future), nullptr), FUTURE_STATE_COMPLETE);
    EXPECT_EQ(FUTURE_STATE(&future), FUTURE_STATE_COMPLETE);
}

TEST(Future, DoesNotRunTheTaskOnceComplete)
{
    countdown_future future = countdown(1);

    FUTURE_BUSY_POLL(&future);
    EXPECT_EQ(future_poll(FUTURE_AS_RUNNABLE(&future), nullptr), FUTURE_STATE_COMPLETE);
    EXPECT_EQ(FUTURE_OUTPUT(&future)->polls, 1);
}

TEST(Future, BusyPollPollsWithoutNotifierUntilComplete)
{
    countdown_future future = countdown(1000);
    future_notifier notifier{};

    future.data.notifier_seen = &notifier;
    FUTURE_BUSY_POLL(&future);
    EXPECT_EQ(FUTURE_OUTPUT(&future)->polls, 1000);
    EXPECT_EQ(future.data.notifier_seen, nullptr);
}

TEST(Future, HandsTheNotifierToTheTaskReset)
{
    countdown_future future = countdown(2);
    future_notifier notifier{};

    notifier.notifier_used = FUTURE_NOTIFIER_WAKER;
    future_poll(FUTURE_AS_RUNNABLE(&future), &notifier);
    EXPECT_EQ(future.data.notifier_seen, &notifier);
    EXPECT_EQ(notifier.notifier_used, FUTURE_NOTIFIER_NONE);
}

TEST(Future, BornCompleteHasNoTask)
{
    countdown_future future{};

    future.output.polls = 7;
    FUTURE_INIT_COMPLETE(&future);
    EXPECT_EQ(FUTURE_STATE(&future), FUTURE_STATE_COMPLETE);
    EXPECT_EQ(future_poll(FUTURE_AS_RUNNABLE(&future), nullptr), FUTURE_STATE_COMPLETE);
    FUTURE_BUSY_POLL(&future);
    EXPECT_EQ(FUTURE_OUTPUT(&future)->polls, 7);
    EXPECT_EQ(future_has_property(&future, FUTURE_PROPERTY_ASYNC), 0);
    EXPECT_EQ(future_context_get_output(&future.base.context), &future.output);
}

TEST(Future, HasNoPropertyByDefault)
{
    countdown_future future = countdown(1);

    EXPECT_EQ(future_has_property(&future, FUTURE_PROPERTY_ASYNC), 0);
    EXPECT_EQ(future_has_property(FUTURE_AS_RUNNABLE(&future), FUTURE_PROPERTY_ASYNC), 0);
}

TEST(Future, AsksItsOwnFunctionForProperties)
{
    countdown_future future = countdown(1);

    FUTURE_INIT_EXT(&future, countdown_task, [](void *self, future_property property) {
        return self && property == FUTURE_PROPERTY_ASYNC ? 1 : 0;
    });
    EXPECT_EQ(future_has_property(&future, FUTURE_PROPERTY_ASYNC), 1);
    EXPECT_EQ(FUTURE_STATE(&future), FUTURE_STATE_IDLE);
}

FUTURE(padded_future, char, std::uint64_t);

TEST(Future, FindsAnOutputBehindPadding)
{
    padded_future future{};

    FUTURE_INIT_COMPLETE(&future);
    EXPECT_EQ(future_context_get_data(&future.base.context), &future.data);
    EXPECT_EQ(future_context_get_output(&future.base.context), &future.output);
    EXPECT_EQ(future_context_get_size(&future.base.context), 16U);
}

TEST(Future, WakerIsCalledWithItsData)
{
    int wakes = 0;
    future_waker waker{&wakes, [](void *data) { ++*static_cast<int *>(data); }};

    FUTURE_WAKER_WAKE(&waker);
    EXPECT_EQ(wakes, 1);
}

} // namespace
