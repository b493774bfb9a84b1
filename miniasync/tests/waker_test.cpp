// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// When the threads mover wakes, and what a waker may do.

#include "support/mover.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <mutex>

namespace {

future_notifier notifier_for(void *data, future_waker_wake_fn wake)
{
    future_notifier notifier{};

    notifier.waker = {data, wake};
    return notifier;
}

TEST(Waker, IsCalledOnceWhenTheOperationIsDone)
{
    GatedMover mover(1, 4, FUTURE_NOTIFIER_WAKER);
    char source = 1;
    char target = 0;
    std::atomic<int> wakes = 0;
    future_notifier notifier = notifier_for(&wakes, [](void *data) { ++*static_cast<std::atomic<int> *>(data); });
    vdm_operation_future future = vdm_memcpy(mover.vdm(), &target, &source, 1, 0);

    EXPECT_EQ(future_poll(FUTURE_AS_RUNNABLE(&future), &notifier), FUTURE_STATE_RUNNING);
    EXPECT_EQ(notifier.notifier_used, FUTURE_NOTIFIER_WAKER);
    mover.gate.await_arrivals(1);
    EXPECT_EQ(wakes, 0);

    mover.gate.open();
    while (wakes == 0) {
        sched_yield();
    }
    EXPECT_EQ(target, 1);
    FUTURE_BUSY_POLL(&future);
    mover.finish();
    EXPECT_GE(wakes, 1);
}

TEST(Waker, IsNotTakenWithoutAFunction)
{
    GatedMover mover(1, 4, FUTURE_NOTIFIER_WAKER);
    char source = 1;
    char target = 0;
    future_notifier notifier{};
    vdm_operation_future future = vdm_memcpy(mover.vdm(), &target, &source, 1, 0);

    future_poll(FUTURE_AS_RUNNABLE(&future), &notifier);
    EXPECT_EQ(notifier.notifier_used, FUTURE_NOTIFIER_NONE);
    mover.gate.open();
    FUTURE_BUSY_POLL(&future);
}

TEST(Waker, MayPollTheFutureToItsEnd)
{
    GatedMover mover(1, 4, FUTURE_NOTIFIER_WAKER);
    struct Wait {
        vdm_operation_future future;
        std::atomic<int> state{-1};
    } wait;
    char source = 1;
    char target = 0;
    future_notifier notifier = notifier_for(&wait, [](void *data) {
        auto *self = static_cast<Wait *>(data);
        self->state = future_poll(FUTURE_AS_RUNNABLE(&self->future), nullptr);
    });

    wait.future = vdm_memcpy(mover.vdm(), &target, &source, 1, 0);
    future_poll(FUTURE_AS_RUNNABLE(&wait.future), &notifier);
    mover.gate.open();
    while (wait.state == -1) {
        sched_yield();
    }
    EXPECT_EQ(wait.state, FUTURE_STATE_COMPLETE);
    EXPECT_EQ(FUTURE_OUTPUT(&wait.future)->result, VDM_SUCCESS);
    EXPECT_EQ(target, 1);
}

// What the waker uses may be destroyed when the future is complete, so it must not be complete while the waker runs.
// And who polls meanwhile, and is told RUNNING, must be woken again.
TEST(Waker, HasReturnedBeforeTheFutureIsComplete)
{
    GatedMover mover(1, 4, FUTURE_NOTIFIER_WAKER);
    struct Wait {
        Gate gate;
        std::atomic<int> wakes{0};
    } wait;
    char source = 1;
    char target = 0;
    future_notifier notifier = notifier_for(&wait, [](void *data) {
        auto *self = static_cast<Wait *>(data);
        self->gate.pass();
        ++self->wakes;
    });
    vdm_operation_future future = vdm_memcpy(mover.vdm(), &target, &source, 1, 0);

    future_poll(FUTURE_AS_RUNNABLE(&future), &notifier);
    mover.gate.open();
    wait.gate.await_arrivals(1);
    EXPECT_EQ(future_poll(FUTURE_AS_RUNNABLE(&future), &notifier), FUTURE_STATE_RUNNING);
    EXPECT_EQ(future_poll(FUTURE_AS_RUNNABLE(&future), &notifier), FUTURE_STATE_RUNNING);

    wait.gate.open();
    wait.gate.await_arrivals(2);
    FUTURE_BUSY_POLL(&future);
    EXPECT_GE(wait.wakes, 2);
}

// Plain memory: a missing order shows under a race detector.
TEST(Waker, ItsEffectsAreVisibleWhenTheFutureIsComplete)
{
    ThreadsMover mover = new_threads_mover(1, 4, FUTURE_NOTIFIER_WAKER);

    for (int i = 0; i < 1000; ++i) {
        int wakes = 0;
        char target = 0;
        future_notifier notifier = notifier_for(&wakes, [](void *data) { ++*static_cast<int *>(data); });
        vdm_operation_future future = vdm_memset(data_mover_threads_get_vdm(mover.get()), &target, 1, 1, 0);

        future_poll(FUTURE_AS_RUNNABLE(&future), &notifier);
        FUTURE_BUSY_POLL(&future);
        ASSERT_GE(wakes, 1);
        ASSERT_EQ(target, 1);
    }
}

TEST(Waker, MayWantALockThatThePollingThreadHolds)
{
    ThreadsMover mover = new_threads_mover(1, 4, FUTURE_NOTIFIER_WAKER);

    for (int i = 0; i < 1000; ++i) {
        struct Wait {
            std::mutex mutex;
            std::condition_variable woken;
            int wakes = 0;
        } wait;
        char target = 0;
        future_notifier notifier = notifier_for(&wait, [](void *data) {
            auto *self = static_cast<Wait *>(data);
            const std::lock_guard lock(self->mutex);
            ++self->wakes;
            self->woken.notify_one();
        });
        vdm_operation_future future = vdm_memset(data_mover_threads_get_vdm(mover.get()), &target, 1, 1, 0);
        {
            std::unique_lock lock(wait.mutex);
            int wakes = 0;
            while (future_poll(FUTURE_AS_RUNNABLE(&future), &notifier) != FUTURE_STATE_COMPLETE) {
                wait.woken.wait(lock, [&] { return wait.wakes > wakes; });
                wakes = wait.wakes;
            }
        }
        ASSERT_EQ(target, 1);
    }
}

} // namespace
