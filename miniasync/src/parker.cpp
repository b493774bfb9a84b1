// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

#include "parker.hpp"

#include <exception>

namespace miniasync {

namespace {

// Constant-initialized and trivially destroyed, so that a wait works before and after static objects live. std::mutex
// is both here; whoever still waits when the program ends finds it intact.
constinit std::mutex free_mutex;
constinit Parker *free_parkers = nullptr; // guarded by free_mutex

void wake_slot(void *data)
{
    auto *slot = static_cast<Slot *>(data);

    slot->woken.store(true, std::memory_order_release);
    slot->parker.unpark();
}

} // namespace

future_waker Slot::waker() noexcept
{
    return future_waker{this, wake_slot};
}

Parker *Parker::borrow(std::size_t slots) noexcept
{
    Parker *parker = nullptr;
    {
        const std::lock_guard lock(free_mutex);
        if (free_parkers) {
            parker = free_parkers;
            free_parkers = parker->next_free_;
        }
    }
    try {
        if (!parker) {
            parker = new Parker;
        }
        while (parker->slots_.size() < slots) {
            parker->slots_.emplace_back(*parker);
        }
    } catch (const std::exception &) { // std::bad_alloc, or std::length_error
        if (parker) {
            give_back(parker);
        }
        return nullptr;
    }
    return parker;
}

void Parker::give_back(Parker *parker) noexcept
{
    const std::lock_guard lock(free_mutex);

    parker->next_free_ = free_parkers;
    free_parkers = parker;
}

void Parker::unpark() noexcept
{
    {
        const std::lock_guard lock(mutex_);
        unpark_pending_ = true;
    }
    unparked_.notify_one();
}

void Parker::park() noexcept
{
    std::unique_lock lock(mutex_);

    unparked_.wait(lock, [this] { return unpark_pending_; });
    unpark_pending_ = false;
}

void Parker::park_for(std::chrono::microseconds time) noexcept
{
    std::unique_lock lock(mutex_);

    unparked_.wait_for(lock, time, [this] { return unpark_pending_; });
    unpark_pending_ = false;
}

} // namespace miniasync
