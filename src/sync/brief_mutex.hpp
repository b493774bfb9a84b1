// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// A mutex for sections that take some tens of nanoseconds: who finds it taken looks again for about as long as going to
// sleep would take, and only then sleeps. It is given back by a plain store and a look at whether somebody sleeps; the
// first who is about to sleep announces himself and executes the heavy fence, so that one of the two sees the other.
// Who joins him needs none: a look at the mutex that comes too early for him does not for the first, and whoever takes
// the mutex while somebody sleeps wakes the next when he gives it back.
#pragma once

#include <atomic>
#include <cerrno>
#include <cstdint>

namespace pms::sync {

// `Means` has the atomic and the fences to use, what to do between two looks, and how often to look.
template <typename Means>
class BasicBriefMutex {
public:
    BasicBriefMutex() noexcept = default;
    BasicBriefMutex(const BasicBriefMutex &) = delete;
    BasicBriefMutex &operator=(const BasicBriefMutex &) = delete;

    void lock() noexcept
    {
        if (!take()) [[unlikely]]
            wait_and_take();
    }
    void unlock() noexcept
    {
        taken_.store(0, std::memory_order_release);
        Means::light_fence();
        if (sleepers_.load(std::memory_order_relaxed) != 0) [[unlikely]]
            wake();
    }

private:
    bool take() noexcept { return taken_.exchange(1, std::memory_order_acquire) == 0; }

    [[gnu::noinline]] void wait_and_take() noexcept
    {
        for (int i = 0; i < Means::looks; ++i) {
            if (taken_.load(std::memory_order_relaxed) == 0 && take())
                return;
            Means::relax();
        }
        if (sleepers_.fetch_add(1, std::memory_order_seq_cst) == 0)
            Means::heavy_fence();
        const int before = errno;
        while (!take())
            taken_.wait(1, std::memory_order_relaxed);
        errno = before;
        sleepers_.fetch_sub(1, std::memory_order_relaxed);
    }

    [[gnu::noinline]] void wake() noexcept
    {
        // Between the store and notify_one()'s own look at who waits.
        Means::full_fence();
        taken_.notify_one();
    }

    typename Means::template atomic<std::uint32_t> taken_{0};
    typename Means::template atomic<std::uint32_t> sleepers_{0};
};

} // namespace pms::sync
