// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

#include "held_mover.hpp"

#include <cstring>

namespace model {

HeldMover::HeldMover() : interface_{}
{
    interface_.op_new = start_new;
    interface_.op_start = [](void *data, const vdm_operation *operation, future_notifier *notifier) {
        auto *state = static_cast<Operation *>(data);
        if (notifier != nullptr)
            notifier->notifier_used = FUTURE_NOTIFIER_NONE;
        const auto &copy = operation->data.memcpy;
        state->to = static_cast<std::byte *>(copy.dest);
        state->from = static_cast<const std::byte *>(copy.src);
        state->size = copy.n;
        return 0;
    };
    interface_.op_check = [](void *data, const vdm_operation *) {
        return static_cast<Operation *>(data)->released ? FUTURE_STATE_COMPLETE : FUTURE_STATE_RUNNING;
    };
    interface_.op_delete = [](void *, const vdm_operation *operation, vdm_operation_output *output) {
        output->type = operation->type;
        output->result = VDM_SUCCESS;
        output->output.memcpy.dest = operation->data.memcpy.dest;
    };
    interface_.has_property = future_has_property_default;
}

void *HeldMover::start_new(struct vdm *vdm, vdm_operation_type) noexcept
{
    auto *self = reinterpret_cast<HeldMover *>(vdm);
    return &self->operations_.emplace_back();
}

void HeldMover::copy_half() noexcept
{
    for (Operation &operation : operations_)
        if (!operation.released && operation.to != nullptr)
            std::memcpy(operation.to, operation.from, operation.size / 2);
}

void HeldMover::release() noexcept
{
    for (Operation &operation : operations_) {
        if (!operation.released && operation.to != nullptr)
            std::memcpy(operation.to, operation.from, operation.size);
        operation.released = true;
    }
}

} // namespace model
