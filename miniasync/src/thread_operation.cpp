// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

#include "thread_operation.hpp"

#include <sched.h>

namespace miniasync {

thread_local const ThreadOperation *ThreadOperation::waking_here = nullptr;

void ThreadOperation::prepare(const vdm_operation &operation, const MemoryFunctions &functions) noexcept
{
    operation_ = operation;
    functions_ = functions;
}

void ThreadOperation::set_waker(const future_waker *waker) noexcept
{
    waker_ = waker ? *waker : future_waker{};
}

void ThreadOperation::execute() noexcept
{
    result_ = check_operation(operation_);
    if (result_ == VDM_SUCCESS) {
        run_operation(operation_, functions_);
    }
    if (!waker_.wake) {
        state().store(complete, std::memory_order_release);
        return;
    }

    state().store(waking, std::memory_order_release);
    for (;;) {
        waking_here = this;
        FUTURE_WAKER_WAKE(&waker_);
        waking_here = nullptr;

        if (free_after_waker_) {
            delete this;
            return;
        }
        std::uint64_t expected = waking;
        if (state().compare_exchange_strong(expected, complete, std::memory_order_release, std::memory_order_relaxed)) {
            return;
        }
        state().store(waking, std::memory_order_relaxed);
    }
}

bool ThreadOperation::is_done() noexcept
{
    switch (state().load(std::memory_order_acquire)) {
    case pending:
        return false;
    case complete:
        return true;
    default:
        return await_waker();
    }
}

// The future must not complete while the waker runs: its owner may then destroy what the waker uses. Nor may this wait
// for the waker without bound: it may want a lock that this thread holds. So wait for a moment, then have the worker
// wake once more when the waker has returned.
bool ThreadOperation::await_waker() noexcept
{
    constexpr int yields = 64;

    if (is_waking_here()) {
        return true;
    }
    for (int i = 0; i < yields; ++i) {
        if (is_released()) {
            return true;
        }
        sched_yield();
    }
    std::uint64_t expected = waking;
    return !state().compare_exchange_strong(expected, repoll, std::memory_order_acquire) && expected == complete;
}

} // namespace miniasync
