// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// One operation of the threads mover, from op_new to op_delete.

#pragma once

#include "operation.hpp"

#include <atomic>
#include <cstdint>

struct data_mover_threads;

namespace miniasync {

// Used by one polling thread (P) and, once queued, by one worker thread (W). W reads what P filled in before start():
// the mutex of the queue orders that. What W leaves behind, P reads after is_done(): `state_` orders that.
//
// `state_`, which is also the word that a poller monitors, so its values are part of the interface:
//
//     pending (0)    from the start on; W works, or has not begun
//     complete (1)   W is done with the operation and does not touch it any more; P may free it
//     waking (2)     the result is there, and W is calling the waker
//     repoll (3)     as waking, and P has polled meanwhile and was told RUNNING
//
//     pending  -> complete   W, release: the copied bytes and result_ come before; P loads with acquire
//     pending  -> waking     W, release: the same, because a poll made by the waker itself completes the future
//     waking   -> complete   W, compare-and-swap, release: what the waker did comes before P goes on, and may free what
//                            the waker used
//     waking   -> repoll     P, compare-and-swap, acquire, for when it fails and the state is complete. If it succeeds,
//                            P reads nothing but the state, and nothing has to be ordered
//     repoll   -> waking     W, relaxed: W wakes again, so that P's poll is not the last one. P acquires nothing new
//                            from it: the release of `pending -> waking` is W's, earlier in program order, and the only
//                            reader of waking that uses the result is W itself
class ThreadOperation {
public:
    explicit ThreadOperation(data_mover_threads &owner) noexcept : mover(owner) {}
    ThreadOperation(const ThreadOperation &) = delete;
    ThreadOperation &operator=(const ThreadOperation &) = delete;

    // P, before the operation is queued.
    void prepare(const vdm_operation &operation, const MemoryFunctions &functions) noexcept;

    // P, before the operation is queued: whom to wake when done; nullptr for nobody.
    void set_waker(const future_waker *waker) noexcept;

    // P, after a successful start.
    std::uint64_t *completion_word() noexcept { return &state_; }

    // W: runs the operation, notifies. Afterwards the operation may be gone.
    void execute() noexcept;

    // P: whether the output may be read. Does not block for long.
    bool is_done() noexcept;

    // Any thread: whether W has finished with the operation.
    bool is_released() noexcept { return state().load(std::memory_order_acquire) == complete; }

    // Whether this thread is in the waker of this operation.
    bool is_waking_here() const noexcept { return waking_here == this; }

    // In the waker of this operation only: execute() frees the operation when the waker returns.
    void free_after_waker() noexcept { free_after_waker_ = true; }

    vdm_operation_result result() const noexcept { return result_; }

    data_mover_threads &mover;

    // The mover's list of live operations; its mutex guards them.
    ThreadOperation *previous = nullptr;
    ThreadOperation *next = nullptr;

    // Whether op_start has queued it; the mover's mutex guards it.
    bool started = false;

private:
    enum State : std::uint64_t { pending = 0, complete = 1, waking = 2, repoll = 3 };

    std::atomic_ref<std::uint64_t> state() noexcept { return std::atomic_ref<std::uint64_t>(state_); }

    bool await_waker() noexcept;

    static thread_local const ThreadOperation *waking_here;

    vdm_operation operation_{};
    MemoryFunctions functions_;
    future_waker waker_{};
    vdm_operation_result result_ = VDM_ERROR_JOB_CORRUPTED;
    bool free_after_waker_ = false; // W only

    // Not a std::atomic, because future_poller wants a uint64_t; every access is atomic all the same.
    alignas(std::atomic_ref<std::uint64_t>::required_alignment) std::uint64_t state_ = pending;
};

} // namespace miniasync
