// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// The threads mover: its queue, its functions, the ends of its operations.

#include "support/mover.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <thread>

namespace {

future_state poll(vdm_operation_future &future, future_notifier *notifier = nullptr)
{
    return future_poll(FUTURE_AS_RUNNABLE(&future), notifier);
}

TEST(ThreadsMover, AsksToBePolledAgainWhileItsQueueIsFull)
{
    GatedMover mover(1, 1, FUTURE_NOTIFIER_WAKER);
    char source = 1;
    char targets[3] = {};
    std::atomic<int> wakes = 0;
    future_notifier notifier{};
    notifier.waker = {&wakes, [](void *data) { ++*static_cast<std::atomic<int> *>(data); }};

    vdm_operation_future running = vdm_memcpy(mover.vdm(), &targets[0], &source, 1, 0);
    vdm_operation_future queued = vdm_memcpy(mover.vdm(), &targets[1], &source, 1, 0);
    vdm_operation_future refused = vdm_memcpy(mover.vdm(), &targets[2], &source, 1, 0);

    EXPECT_EQ(poll(running), FUTURE_STATE_RUNNING);
    mover.gate.await_arrivals(1);
    EXPECT_EQ(poll(queued), FUTURE_STATE_RUNNING);
    for (int i = 0; i < 3; ++i) {
        EXPECT_EQ(poll(refused, &notifier), FUTURE_STATE_IDLE);
        EXPECT_EQ(notifier.notifier_used, FUTURE_NOTIFIER_NONE);
    }

    mover.gate.open();
    FUTURE_BUSY_POLL(&refused);
    EXPECT_EQ(wakes, 0);
    EXPECT_EQ(targets[2], 1);
    FUTURE_BUSY_POLL(&running);
    FUTURE_BUSY_POLL(&queued);
}

TEST(ThreadsMover, RuntimeWaitsForMoreOperationsThanTheQueueTakes)
{
    ThreadsMover mover = new_threads_mover(1, 1, FUTURE_NOTIFIER_WAKER);
    Runtime runtime(runtime_new());
    constexpr int count = 100;
    vdm_operation_future futures[count];
    future *runnables[count];
    char targets[count] = {};

    for (int i = 0; i < count; ++i) {
        futures[i] = vdm_memset(data_mover_threads_get_vdm(mover.get()), &targets[i], 1, 1, 0);
        runnables[i] = FUTURE_AS_RUNNABLE(&futures[i]);
    }
    runtime_wait_multiple(runtime.get(), runnables, count);
    for (char target : targets) {
        EXPECT_EQ(target, 1);
    }
}

TEST(ThreadsMover, FutureIsRunningUntilAWorkerIsDone)
{
    GatedMover mover(1, 4, FUTURE_NOTIFIER_NONE);
    char source = 1;
    char target = 0;
    future_notifier notifier{};
    vdm_operation_future future = vdm_memcpy(mover.vdm(), &target, &source, 1, 0);

    EXPECT_EQ(poll(future, &notifier), FUTURE_STATE_RUNNING);
    EXPECT_EQ(notifier.notifier_used, FUTURE_NOTIFIER_NONE);
    mover.gate.await_arrivals(1);
    EXPECT_EQ(poll(future, &notifier), FUTURE_STATE_RUNNING);
    mover.gate.open();
    FUTURE_BUSY_POLL(&future);
    EXPECT_EQ(target, 1);
}

TEST(ThreadsMover, WorkersRunAtTheSameTime)
{
    GatedMover mover(3, 4, FUTURE_NOTIFIER_NONE);
    char source = 1;
    char targets[3] = {};
    vdm_operation_future futures[3];

    for (int i = 0; i < 3; ++i) {
        futures[i] = vdm_memcpy(mover.vdm(), &targets[i], &source, 1, 0);
        poll(futures[i]);
    }
    mover.gate.await_arrivals(3);
    mover.gate.open();
    for (vdm_operation_future &future : futures) {
        FUTURE_BUSY_POLL(&future);
    }
}

TEST(ThreadsMover, PollerPointsAtAWordThatIsSetWhenDone)
{
    GatedMover mover(1, 4, FUTURE_NOTIFIER_POLLER);
    char source = 1;
    char target = 0;
    future_notifier notifier{};
    vdm_operation_future future = vdm_memcpy(mover.vdm(), &target, &source, 1, 0);

    EXPECT_EQ(poll(future, &notifier), FUTURE_STATE_RUNNING);
    ASSERT_EQ(notifier.notifier_used, FUTURE_NOTIFIER_POLLER);
    std::uint64_t *word = notifier.poller.ptr_to_monitor;
    ASSERT_NE(word, nullptr);
    mover.gate.await_arrivals(1);
    EXPECT_EQ(__atomic_load_n(word, __ATOMIC_ACQUIRE), 0U);

    mover.gate.open();
    while (__atomic_load_n(word, __ATOMIC_ACQUIRE) == 0) {
        sched_yield();
    }
    EXPECT_EQ(target, 1);
    EXPECT_EQ(poll(future, &notifier), FUTURE_STATE_COMPLETE);
}

TEST(ThreadsMover, DeleteFinishesWhatIsQueued)
{
    GatedMover mover(2, 16, FUTURE_NOTIFIER_WAKER);
    char source = 1;
    char targets[16] = {};

    for (char &target : targets) {
        vdm_operation_future dropped = vdm_memcpy(mover.vdm(), &target, &source, 1, 0);
        ASSERT_EQ(poll(dropped), FUTURE_STATE_RUNNING);
    }
    mover.finish();
    for (char target : targets) {
        EXPECT_EQ(target, 1);
    }
}

// The caller may reuse the buffers once op_delete has returned.
TEST(ThreadsMover, DeletingARunningOperationWaitsForIt)
{
    GatedMover mover(1, 4, FUTURE_NOTIFIER_NONE);
    char source = 1;
    char target = 0;
    vdm_operation_output output{};
    vdm_operation_future future = vdm_memcpy(mover.vdm(), &target, &source, 1, 0);

    poll(future);
    mover.gate.await_arrivals(1);
    std::thread opener([&mover] {
        let_others_run();
        mover.gate.open();
    });
    mover.vdm()->op_delete(future.data.data, &future.data.operation, &output);
    EXPECT_EQ(target, 1);
    EXPECT_EQ(output.result, VDM_SUCCESS);
    opener.join();
}

TEST(ThreadsMover, DeletingAQueuedOperationTakesItBack)
{
    GatedMover mover(1, 4, FUTURE_NOTIFIER_NONE);
    char source = 1;
    char targets[3] = {};
    vdm_operation_output output{};
    vdm_operation_future running = vdm_memcpy(mover.vdm(), &targets[0], &source, 1, 0);
    vdm_operation_future queued = vdm_memcpy(mover.vdm(), &targets[1], &source, 1, 0);
    vdm_operation_future behind = vdm_memcpy(mover.vdm(), &targets[2], &source, 1, 0);

    poll(running);
    mover.gate.await_arrivals(1);
    poll(queued);
    poll(behind);
    mover.vdm()->op_delete(queued.data.data, &queued.data.operation, &output);
    EXPECT_EQ(output.result, VDM_ERROR_JOB_CORRUPTED);

    mover.gate.open();
    FUTURE_BUSY_POLL(&running);
    FUTURE_BUSY_POLL(&behind);
    EXPECT_EQ(targets[1], 0);
    EXPECT_EQ(targets[2], 1);
    EXPECT_EQ(mover.gate.arrivals(), 2U);
}

TEST(ThreadsMover, DeletingAnOperationThatNeverStartedIsFine)
{
    ThreadsMover mover = new_threads_mover(1, 1, FUTURE_NOTIFIER_NONE);
    vdm *vdm = data_mover_threads_get_vdm(mover.get());
    vdm_operation_output output{};
    vdm_operation_future future = vdm_memset(vdm, nullptr, 0, 0, 0);

    vdm->op_delete(future.data.data, &future.data.operation, &output);
    EXPECT_EQ(output.result, VDM_ERROR_JOB_CORRUPTED);
    future = vdm_memset(vdm, nullptr, 0, 0, 0);
    vdm->op_delete(future.data.data, &future.data.operation, nullptr);
}

std::atomic<int> calls;
std::atomic<unsigned> flags_seen;

TEST(ThreadsMover, UsesTheFunctionsItWasGiven)
{
    ThreadsMover mover = new_threads_mover(2, 8, FUTURE_NOTIFIER_NONE);
    vdm *vdm = data_mover_threads_get_vdm(mover.get());
    char source[] = "abcdef";
    char target[] = "______";

    calls = 0;
    data_mover_threads_set_memcpy_fn(mover.get(), [](void *dest, const void *src, size_t n, unsigned flags) {
        calls += 1;
        flags_seen = flags;
        return std::memcpy(dest, src, n);
    });
    data_mover_threads_set_memmove_fn(mover.get(), [](void *dest, const void *src, size_t n, unsigned) {
        calls += 10;
        return std::memmove(dest, src, n);
    });
    data_mover_threads_set_memset_fn(mover.get(), [](void *str, int c, size_t n, unsigned) {
        calls += 100;
        return std::memset(str, c, n);
    });

    vdm_operation_future copy = vdm_memcpy(vdm, target, source, 2, VDM_F_NO_CACHE_HINT);
    vdm_operation_future move = vdm_memmove(vdm, target + 2, source + 2, 2, 0);
    vdm_operation_future set = vdm_memset(vdm, target + 4, 'x', 2, 0);
    FUTURE_BUSY_POLL(&copy);
    FUTURE_BUSY_POLL(&move);
    FUTURE_BUSY_POLL(&set);
    EXPECT_EQ(calls, 111);
    EXPECT_EQ(flags_seen, VDM_F_NO_CACHE_HINT);
    EXPECT_STREQ(target, "abcdxx");

    data_mover_threads_set_memcpy_fn(mover.get(), nullptr);
    data_mover_threads_set_memmove_fn(mover.get(), nullptr);
    data_mover_threads_set_memset_fn(mover.get(), nullptr);
    copy = vdm_memcpy(vdm, target, source + 4, 2, 0);
    move = vdm_memmove(vdm, target + 2, source, 2, 0);
    set = vdm_memset(vdm, target + 4, 'y', 2, 0);
    FUTURE_BUSY_POLL(&copy);
    FUTURE_BUSY_POLL(&move);
    FUTURE_BUSY_POLL(&set);
    EXPECT_EQ(calls, 111);
    EXPECT_STREQ(target, "efabyy");
}

TEST(ThreadsMover, AnOperationKeepsTheFunctionItWasStartedWith)
{
    GatedMover mover(1, 4, FUTURE_NOTIFIER_NONE);
    char source = 1;
    char targets[2] = {};
    vdm_operation_future running = vdm_memcpy(mover.vdm(), &targets[0], &source, 1, 0);
    vdm_operation_future queued = vdm_memcpy(mover.vdm(), &targets[1], &source, 1, 0);

    poll(running);
    poll(queued);
    data_mover_threads_set_memcpy_fn(mover.get(), nullptr);
    mover.gate.open();
    FUTURE_BUSY_POLL(&running);
    FUTURE_BUSY_POLL(&queued);
    EXPECT_EQ(mover.gate.arrivals(), 2U);
}

TEST(ThreadsMover, WorkersBlockAllSignals)
{
    static std::atomic<bool> blocked;
    ThreadsMover mover = new_threads_mover(1, 1, FUTURE_NOTIFIER_NONE);
    char target = 0;

    blocked = false;
    data_mover_threads_set_memset_fn(mover.get(), [](void *str, int, size_t, unsigned) {
        sigset_t mask;
        pthread_sigmask(SIG_SETMASK, nullptr, &mask);
        blocked = sigismember(&mask, SIGINT) == 1 && sigismember(&mask, SIGALRM) == 1;
        return str;
    });
    vdm_operation_future future = vdm_memset(data_mover_threads_get_vdm(mover.get()), &target, 1, 1, 0);
    FUTURE_BUSY_POLL(&future);
    EXPECT_TRUE(blocked);

    sigset_t mask;
    pthread_sigmask(SIG_SETMASK, nullptr, &mask);
    EXPECT_EQ(sigismember(&mask, SIGINT), 0);
}

TEST(ThreadsMover, RefusesNumbersThatMakeNoMover)
{
    errno = 0;
    EXPECT_EQ(data_mover_threads_new(0, 1, FUTURE_NOTIFIER_NONE), nullptr);
    EXPECT_EQ(errno, EINVAL);
    errno = 0;
    EXPECT_EQ(data_mover_threads_new(1, 0, FUTURE_NOTIFIER_NONE), nullptr);
    EXPECT_EQ(errno, EINVAL);

    errno = 0;
    EXPECT_EQ(data_mover_threads_new(1, SIZE_MAX, FUTURE_NOTIFIER_NONE), nullptr);
    EXPECT_EQ(errno, ENOMEM);
    errno = 0;
    EXPECT_EQ(data_mover_threads_new(SIZE_MAX, 1, FUTURE_NOTIFIER_NONE), nullptr);
    EXPECT_EQ(errno, ENOMEM);
}

TEST(ThreadsMover, DefaultCopiesAndWakes)
{
    ThreadsMover mover(data_mover_threads_default());
    Runtime runtime(runtime_new());
    char source = 1;
    char target = 0;

    ASSERT_TRUE(mover);
    vdm_operation_future future = vdm_memcpy(data_mover_threads_get_vdm(mover.get()), &target, &source, 1, 0);
    runtime_wait(runtime.get(), FUTURE_AS_RUNNABLE(&future));
    EXPECT_EQ(target, 1);
}

TEST(ThreadsMover, DeleteTakesNull)
{
    data_mover_threads_delete(nullptr);
}

} // namespace
