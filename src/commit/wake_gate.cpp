// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

#include "commit/wake_gate.hpp"

#include "commit/commit.hpp"

namespace pms {
namespace {

std::mutex unused_mutex;
WakeGate *first_unused = nullptr;

} // namespace

WakeGate *WakeGate::acquire(Commit &commit)
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
    gate->commit_ = &commit;
    return gate;
}

void WakeGate::release(WakeGate *gate) noexcept
{
    {
        const std::lock_guard guard(gate->mutex_);
        gate->commit_ = nullptr;
    }
    const std::lock_guard guard(unused_mutex);
    gate->next_unused_ = first_unused;
    first_unused = gate;
}

void WakeGate::wake(void *data) noexcept
{
    auto *gate = static_cast<WakeGate *>(data);
    const std::lock_guard guard(gate->mutex_);
    if (gate->commit_ != nullptr)
        gate->commit_->notify_all_futures();
}

} // namespace pms
