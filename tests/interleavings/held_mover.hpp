// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// A data mover whose copies are made by a thread of the scenario, which stands for a device.
#pragma once

#include "sync/sync.hpp"
#include "sync/untracked.hpp"

#include <libminiasync/vdm.h>

#include <cstring>
#include <deque>

namespace interleavings {

class HeldMover {
public:
    HeldMover() : interface_{make, end, start, check, 0, future_has_property_default} {}
    HeldMover(const HeldMover &) = delete;
    HeldMover &operator=(const HeldMover &) = delete;

    vdm *mover() { return &interface_; }
    // The device: makes the next copy once it is started, and gives what to wake then.
    future_waker copy()
    {
        while (started_.load() == done_)
            started_.wait(done_);
        Operation &operation = *queue_[done_++];
        std::memcpy(operation.copy.dest, operation.copy.src, operation.copy.n);
        operation.done.store(1, std::memory_order_release);
        return operation.waker;
    }

private:
    struct Operation {
        explicit Operation(HeldMover *of) : mover(of) {}
        HeldMover *mover;
        vdm_operation_data_memcpy copy{};
        future_waker waker{};
        pms::sync::atomic<std::uint32_t> done{0};
    };

    static void *make(vdm *mover, vdm_operation_type)
    {
        const pms::scheduled::Untracked untracked;
        auto *self = reinterpret_cast<HeldMover *>(mover);
        return &self->operations_.emplace_back(self);
    }
    static int start(void *data, const vdm_operation *given, future_notifier *notifier)
    {
        const pms::scheduled::Untracked untracked;
        auto &operation = *static_cast<Operation *>(data);
        operation.copy = given->data.memcpy;
        if (notifier != nullptr) {
            notifier->notifier_used = FUTURE_NOTIFIER_WAKER;
            operation.waker = notifier->waker;
        }
        // The counter gives the order for whoever reads the queue; of two who write, neither comes between.
        operation.mover->queue_.push_back(&operation);
        operation.mover->started_.fetch_add(1);
        operation.mover->started_.notify_all();
        return 0;
    }
    static future_state check(void *data, const vdm_operation *)
    {
        const pms::scheduled::Untracked untracked;
        return static_cast<Operation *>(data)->done.load(std::memory_order_acquire) != 0 ? FUTURE_STATE_COMPLETE
                                                                                         : FUTURE_STATE_RUNNING;
    }
    static void end(void *, const vdm_operation *given, vdm_operation_output *output)
    {
        const pms::scheduled::Untracked untracked;
        output->type = given->type;
        output->result = VDM_SUCCESS;
        output->output.memcpy.dest = given->data.memcpy.dest;
    }

    vdm interface_; // first: a pointer to it is one to the mover
    std::deque<Operation> operations_;
    std::deque<Operation *> queue_; // those that were started
    std::uint32_t done_ = 0;        // the device's
    pms::sync::atomic<std::uint32_t> started_{0};
};

} // namespace interleavings
