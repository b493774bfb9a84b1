// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// All that threads of this library share, and wait for each other by. Here these are the standard library's own; the
// tests compile the library against another header of this name (tests/support/scheduled), in which each operation asks
// a scheduler which thread goes on, so that interleavings can be chosen one by one.
#pragma once

#include "sync/brief_mutex.hpp"

#include <atomic>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <shared_mutex>
#include <thread>

#include <climits>
#include <ctime>
#include <linux/futex.h>
#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace pms::sync {

using std::atomic;
using std::atomic_thread_fence;
using std::condition_variable;
using std::mutex;
using std::shared_mutex;
using std::this_thread::sleep_for;

using clock = std::chrono::steady_clock;
using thread_id = std::thread::id;
// What a thread does between two looks at something that others are about to change.
inline void relax() noexcept
{
#if defined(__x86_64__)
    _mm_pause();
#elif defined(__aarch64__)
    asm volatile("yield");
#endif
}
// How often it looks before it sleeps: about a microsecond, less than sleeping and waking take.
inline constexpr int looks = 50;

// Two fences of which one costs nothing: of two threads that each store, fence and then load what the other stored, one
// by light_fence() and the other by heavy_fence(), at least one sees the other's store. The heavy one has every running
// thread of the process execute a full fence: membarrier(2), MEMBARRIER_CMD_PRIVATE_EXPEDITED, a system call of a
// microsecond, in a virtual machine some ten. Where the kernel has none, the light one is a full fence.
inline bool register_membarrier() noexcept
{
    return syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) == 0;
}
inline std::atomic<bool> has_membarrier{register_membarrier()};

inline void light_fence() noexcept
{
    if (has_membarrier.load(std::memory_order_relaxed)) [[likely]]
        std::atomic_signal_fence(std::memory_order_seq_cst);
    else
        std::atomic_thread_fence(std::memory_order_seq_cst);
}
inline void heavy_fence() noexcept
{
    std::atomic_thread_fence(std::memory_order_seq_cst);
    if (!has_membarrier.load(std::memory_order_relaxed))
        return;
    const int before = errno;
    if (syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0) != 0) {
        // Forbidden since, or no memory: from here on the light one is a full fence. Whoever went by it before has his
        // stores seen long before this sleep ends: a processor keeps none back for more than microseconds.
        has_membarrier.store(false, std::memory_order_seq_cst);
        sleep_for(std::chrono::milliseconds(1));
        std::atomic_thread_fence(std::memory_order_seq_cst);
    }
    errno = before;
}

struct BriefMeans {
    template <typename T>
    using atomic = std::atomic<T>;
    static void relax() noexcept { sync::relax(); }
    static void light_fence() noexcept { sync::light_fence(); }
    static void heavy_fence() noexcept { sync::heavy_fence(); }
    static void full_fence() noexcept { std::atomic_thread_fence(std::memory_order_seq_cst); }
    static constexpr int looks = sync::looks;
};
using brief_mutex = BasicBriefMutex<BriefMeans>;

// Sleeps while `word` is `old` until wake_all(word), but no longer than `until`; may end for no reason.
inline void wait_until(std::atomic<std::uint32_t> &word, std::uint32_t old, clock::time_point until) noexcept
{
    const int before = errno;
    const auto since_epoch = until.time_since_epoch();
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(since_epoch);
    const timespec deadline{.tv_sec = seconds.count(), .tv_nsec = (since_epoch - seconds).count()};
    syscall(SYS_futex, &word, FUTEX_WAIT_BITSET_PRIVATE, old, until == clock::time_point::max() ? nullptr : &deadline,
            nullptr, FUTEX_BITSET_MATCH_ANY);
    errno = before;
}
inline void wake_all(std::atomic<std::uint32_t> &word) noexcept
{
    const int before = errno;
    syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, INT_MAX, nullptr, nullptr, 0);
    errno = before;
}

inline thread_id this_thread_id() noexcept
{
    return std::this_thread::get_id();
}

} // namespace pms::sync
