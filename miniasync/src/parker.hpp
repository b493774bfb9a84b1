// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// Where a waiting thread sleeps, and what its futures wake.

#pragma once

#include "libminiasync/future.h"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>

namespace miniasync {

class Parker;

// One future of a wait. Its address is the `data` of the waker that the future is polled with.
struct Slot {
    explicit Slot(Parker &owner) noexcept : parker(owner) {}

    // Any thread.
    future_waker waker() noexcept;

    Parker &parker;

    // Set by a waker (release), taken by the waiting thread before a poll (acquire): what was done before the wake is
    // visible to the poll. Taken before and not after the poll, or a wake in between would be lost.
    std::atomic<bool> woken{false};

    // The waiting thread's own.
    enum class Again { at_once, after_pause, when_woken, when_word_set };
    future *fut = nullptr;
    Again again = Again::at_once;
    std::uint64_t *word = nullptr;
    Slot *next = nullptr;
};

// Parkers are reused and never freed. A wake may come late: a task may call the waker after another thread could see
// its result, thus after the wait is over and the runtime deleted. It then finds a parker that sleeps for another wait,
// which is woken once too often, and that is allowed.
class Parker {
public:
    // A parker with at least the given number of slots, or nullptr without memory.
    static Parker *borrow(std::size_t slots) noexcept;
    static void give_back(Parker *parker) noexcept;

    // i is below the number of slots borrowed.
    Slot &slot(std::size_t i) noexcept { return slots_[i]; }

    // Ends the current park, or else the next one.
    void unpark() noexcept;

    // Sleeps until unparked.
    void park() noexcept;
    void park_for(std::chrono::microseconds time) noexcept;

private:
    std::mutex mutex_;
    std::condition_variable unparked_;
    bool unpark_pending_ = false; // guarded by mutex_

    std::deque<Slot> slots_; // a deque: slots must not move
    Parker *next_free_ = nullptr;
};

} // namespace miniasync
