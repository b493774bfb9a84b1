// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

#include "commit/wake_gate.hpp"

#include "commit/copies.hpp"

namespace pms {
namespace {

sync::mutex unused_mutex;
WakeGate *first_unused = nullptr;

} // namespace

WakeGate *WakeGate::acquire(Copies &copies)
{
    WakeGate *gate = nullptr;
    {
        const std::lock_guard guard(unused_mutex);
        gate = first_unused;
        if (gate != nullptr)
            first_unused = gate->next_unused_;
    }
    if (gate == nullptr)
        gate = new WakeGate;
    const std::lock_guard guard(gate->mutex_);
    gate->copies_ = &copies;
    return gate;
}

void WakeGate::release(WakeGate *gate) noexcept
{
    {
        std::unique_lock lock(gate->mutex_);
        gate->copies_ = nullptr;
        gate->idle_.wait(lock, [&] { return gate->calls_ == 0; });
    }
    const std::lock_guard guard(unused_mutex);
    gate->next_unused_ = first_unused;
    first_unused = gate;
}

void WakeGate::wake(void *data) noexcept
{
    auto *gate = static_cast<WakeGate *>(data);
    std::unique_lock lock(gate->mutex_);
    Copies *copies = gate->copies_;
    if (copies == nullptr)
        return;
    ++gate->calls_;
    lock.unlock();
    copies->woken();
    lock.lock();
    if (--gate->calls_ == 0)
        gate->idle_.notify_all();
}

} // namespace pms
