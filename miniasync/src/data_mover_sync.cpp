// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

#include "libminiasync/data_mover_sync.h"

#include "operation.hpp"

#include <cerrno>
#include <new>

// An operation has no state of its own: it is over when op_start returns, and its result can be told from the
// operation. So a future that is dropped leaves nothing behind.
struct data_mover_sync {
    vdm interface;
};

namespace {

using namespace miniasync;

void *sync_operation_new(vdm *interface, vdm_operation_type)
{
    return interface;
}

int sync_operation_start(void *, const vdm_operation *operation, future_notifier *notifier)
{
    if (notifier) {
        notifier->notifier_used = FUTURE_NOTIFIER_NONE;
    }
    if (check_operation(*operation) == VDM_SUCCESS) {
        run_operation(*operation, MemoryFunctions{});
    }
    return 0;
}

future_state sync_operation_check(void *, const vdm_operation *)
{
    return FUTURE_STATE_COMPLETE;
}

void sync_operation_delete(void *, const vdm_operation *operation, vdm_operation_output *output)
{
    report_operation(*operation, check_operation(*operation), output);
}

} // namespace

extern "C" {

data_mover_sync *data_mover_sync_new(void)
{
    auto *mover = new (std::nothrow) data_mover_sync{};

    if (!mover) {
        errno = ENOMEM;
        return nullptr;
    }
    mover->interface.op_new = sync_operation_new;
    mover->interface.op_delete = sync_operation_delete;
    mover->interface.op_start = sync_operation_start;
    mover->interface.op_check = sync_operation_check;
    mover->interface.capabilities = operation_capabilities();
    mover->interface.has_property = future_has_property_default;
    return mover;
}

vdm *data_mover_sync_get_vdm(data_mover_sync *mover)
{
    return &mover->interface;
}

void data_mover_sync_delete(data_mover_sync *mover)
{
    delete mover;
}
}
