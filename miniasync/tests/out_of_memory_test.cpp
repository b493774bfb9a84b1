// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// What happens when there is no memory. The operators of this program replace those of the library, too.

#include "support/mover.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <new>

namespace {

// How many allocations of this thread succeed before they fail; negative: all.
thread_local int allocations_left = -1;

void *allocate(std::size_t size) noexcept
{
    if (allocations_left == 0) {
        return nullptr;
    }
    if (allocations_left > 0) {
        --allocations_left;
    }
    return std::malloc(size ? size : 1);
}

class FailAfter {
public:
    explicit FailAfter(int allocations) { allocations_left = allocations; }
    ~FailAfter() { allocations_left = -1; }
    FailAfter(const FailAfter &) = delete;
    FailAfter &operator=(const FailAfter &) = delete;
};

} // namespace

// Not inlined: the compiler would see malloc() and free() where it expects a matching pair of operators.
[[gnu::noinline]] void *operator new(std::size_t size)
{
    if (void *memory = allocate(size)) {
        return memory;
    }
    throw std::bad_alloc();
}

[[gnu::noinline]] void *operator new(std::size_t size, const std::nothrow_t &) noexcept
{
    return allocate(size);
}
[[gnu::noinline]] void operator delete(void *memory) noexcept
{
    std::free(memory);
}
[[gnu::noinline]] void operator delete(void *memory, std::size_t) noexcept
{
    std::free(memory);
}

namespace {

class OutOfMemory : public testing::Test {
protected:
    // A tool such as valgrind may have put its own operators in the place of these.
    void SetUp() override
    {
        void *memory = nullptr;
        {
            const FailAfter fail(0);
            memory = ::operator new(1, std::nothrow);
        }
        if (memory) {
            ::operator delete(memory);
            GTEST_SKIP() << "the operators of this program are not in use";
        }
    }
};

TEST_F(OutOfMemory, NothingIsMade)
{
    data_mover_sync *sync = nullptr;
    runtime *rt = nullptr;
    {
        const FailAfter fail(0);
        errno = 0;
        sync = data_mover_sync_new();
        EXPECT_EQ(errno, ENOMEM);
        errno = 0;
        rt = runtime_new();
        EXPECT_EQ(errno, ENOMEM);
    }
    EXPECT_EQ(sync, nullptr);
    EXPECT_EQ(rt, nullptr);
}

TEST_F(OutOfMemory, AThreadsMoverIsMadeCompletelyOrNotAtAll)
{
    ThreadsMover mover;
    int allocations = 0;

    for (; !mover; ++allocations) {
        errno = 0;
        {
            const FailAfter fail(allocations);
            mover = new_threads_mover(3, 4, FUTURE_NOTIFIER_WAKER);
        }
        if (!mover) {
            ASSERT_EQ(errno, ENOMEM);
        }
    }
    EXPECT_GT(allocations, 4);
}

TEST_F(OutOfMemory, AnOperationSaysSo)
{
    ThreadsMover mover = new_threads_mover(1, 1, FUTURE_NOTIFIER_NONE);
    vdm_operation_future future;
    {
        const FailAfter fail(0);
        future = vdm_memset(data_mover_threads_get_vdm(mover.get()), nullptr, 0, 0, 0);
    }
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
        {
            const FailAfter fail(allocations);
            runtime_wait_multiple(runtime.get(), runnables, 101);
        }
        for (char target : targets) {
            ASSERT_EQ(target, 1);
        }
    }
}

} // namespace
