// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// Many threads, few processors, small queues.

#include "support/mover.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

namespace {

constexpr int threads = 16;
constexpr int rounds = 100;
constexpr std::size_t batch = 8;

void *plain_memcpy(void *dest, const void *src, size_t n, unsigned)
{
    return std::memcpy(dest, src, n);
}

// Copies, checks, and drops a future now and then.
void copy_and_check(vdm *vdm, runtime *rt, int seed)
{
    std::vector<std::vector<char>> sources(batch, std::vector<char>(500));
    std::vector<std::vector<char>> targets(batch, std::vector<char>(500));

    for (int round = 0; round < rounds; ++round) {
        vdm_operation_future futures[batch];
        future *runnables[batch];
        for (std::size_t i = 0; i < batch; ++i) {
            std::fill(sources[i].begin(), sources[i].end(), static_cast<char>(seed + round + static_cast<int>(i)));
            futures[i] = vdm_memcpy(vdm, targets[i].data(), sources[i].data(), sources[i].size(), 0);
            runnables[i] = FUTURE_AS_RUNNABLE(&futures[i]);
        }
        vdm_operation_future dropped = vdm_memset(vdm, nullptr, 0, 0, 0);
        if (round % 10 == 0) {
            future_poll(FUTURE_AS_RUNNABLE(&dropped), nullptr);
        }
        if (round % 3 == 0) {
            for (vdm_operation_future &future : futures) {
                FUTURE_BUSY_POLL(&future);
            }
        } else {
            runtime_wait_multiple(rt, runnables, batch);
        }
        ASSERT_EQ(sources, targets);
    }
}

class Stress : public testing::TestWithParam<future_notifier_type> {};

INSTANTIATE_TEST_SUITE_P(Notifiers, Stress,
                         testing::Values(FUTURE_NOTIFIER_NONE, FUTURE_NOTIFIER_WAKER, FUTURE_NOTIFIER_POLLER));

TEST_P(Stress, SixteenThreadsShareAMoverAndARuntime)
{
    ThreadsMover mover = new_threads_mover(2, 4, GetParam());
    Runtime runtime(runtime_new());
    std::atomic<bool> stop = false;
    std::vector<std::thread> users;

    for (int i = 0; i < threads; ++i) {
        users.emplace_back(copy_and_check, data_mover_threads_get_vdm(mover.get()), runtime.get(), i);
    }
    std::thread setter([&] {
        while (!stop) {
            data_mover_threads_set_memcpy_fn(mover.get(), plain_memcpy);
            data_mover_threads_set_memcpy_fn(mover.get(), nullptr);
            sched_yield();
        }
    });
    for (std::thread &user : users) {
        user.join();
    }
    stop = true;
    setter.join();
}

TEST_P(Stress, MoversComeAndGoWithWorkInTheirQueues)
{
    char source = 1;

    for (int round = 0; round < 50; ++round) {
        ThreadsMover mover = new_threads_mover(4, 16, GetParam());
        std::vector<char> targets(16);
        std::vector<vdm_operation_future> futures;
        for (char &target : targets) {
            futures.push_back(vdm_memcpy(data_mover_threads_get_vdm(mover.get()), &target, &source, 1, 0));
            future_poll(FUTURE_AS_RUNNABLE(&futures.back()), nullptr);
        }
        mover.reset();
        ASSERT_EQ(targets, std::vector<char>(16, 1));
    }
}

} // namespace
