// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// Running one operation in the calling thread: what both movers do.

#pragma once

#include "libminiasync/data_mover_threads.h"

namespace miniasync {

// nullptr means the C library's function.
struct MemoryFunctions {
    data_mover_threads_memcpy_fn memcpy = nullptr;
    data_mover_threads_memmove_fn memmove = nullptr;
    data_mover_threads_memset_fn memset = nullptr;
};

// The VDM_F_* flags that run_operation() gives an effect to on this processor.
unsigned operation_capabilities() noexcept;

// VDM_SUCCESS if the operation can run, else VDM_ERROR_JOB_CORRUPTED.
vdm_operation_result check_operation(const vdm_operation &operation) noexcept;

// Runs an operation that check_operation() accepts; its stores are fenced on return.
void run_operation(const vdm_operation &operation, const MemoryFunctions &functions) noexcept;

// Fills in the output of an operation (output may be null).
void report_operation(const vdm_operation &operation, vdm_operation_result result,
                      vdm_operation_output *output) noexcept;

} // namespace miniasync
