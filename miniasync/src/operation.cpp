// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

#include "operation.hpp"

#include "enum_value.hpp"
#include "flush.hpp"

#include <cstdint>
#include <cstring>

namespace miniasync {

namespace {

// The C library's functions take no null pointer, not even for 0 bytes; and they know nothing of durability.
void store(void *dest, std::size_t n, std::uint64_t flags, auto custom, auto fallback, auto source)
{
    if (n == 0) {
        return;
    }
    if (custom) {
        custom(dest, source, n, static_cast<unsigned>(flags));
        return;
    }
    fallback(dest, source, n);
    if (flags & VDM_F_MEM_DURABLE) {
        flush(dest, n);
    }
}

std::uint64_t operation_flags(const vdm_operation &operation)
{
    switch (operation.type) {
    case VDM_OPERATION_MEMCPY:
        return operation.data.memcpy.flags;
    case VDM_OPERATION_MEMMOVE:
        return operation.data.memmove.flags;
    case VDM_OPERATION_MEMSET:
        return operation.data.memset.flags;
    case VDM_OPERATION_FLUSH:
        return operation.data.flush.flags;
    }
    return 0;
}

bool has_known_type(const vdm_operation &operation)
{
    return enum_value(operation.type) <= VDM_OPERATION_FLUSH;
}

} // namespace

unsigned operation_capabilities() noexcept
{
    return can_flush() ? VDM_F_MEM_DURABLE : 0;
}

vdm_operation_result check_operation(const vdm_operation &operation) noexcept
{
    if (!has_known_type(operation)) {
        return VDM_ERROR_JOB_CORRUPTED;
    }
    const std::uint64_t flags = operation_flags(operation);
    if (flags & ~std::uint64_t{VDM_F_VALID_FLAGS}) {
        return VDM_ERROR_JOB_CORRUPTED;
    }
    const bool must_flush = operation.type == VDM_OPERATION_FLUSH || (flags & VDM_F_MEM_DURABLE);
    return must_flush && !can_flush() ? VDM_ERROR_JOB_CORRUPTED : VDM_SUCCESS;
}

void run_operation(const vdm_operation &operation, const MemoryFunctions &functions) noexcept
{
    switch (operation.type) {
    case VDM_OPERATION_MEMCPY: {
        const auto &copy = operation.data.memcpy;
        store(copy.dest, copy.n, copy.flags, functions.memcpy, std::memcpy, copy.src);
        break;
    }
    case VDM_OPERATION_MEMMOVE: {
        const auto &move = operation.data.memmove;
        store(move.dest, move.n, move.flags, functions.memmove, std::memmove, move.src);
        break;
    }
    case VDM_OPERATION_MEMSET: {
        const auto &set = operation.data.memset;
        store(set.str, set.n, set.flags, functions.memset, std::memset, set.c);
        break;
    }
    case VDM_OPERATION_FLUSH:
        flush(operation.data.flush.dest, operation.data.flush.n);
        break;
    }
    // Also without VDM_F_MEM_DURABLE: a custom function may have written around the caches, and whoever sees the
    // operation complete must see its stores.
    fence();
}

void report_operation(const vdm_operation &operation, vdm_operation_result result,
                      vdm_operation_output *output) noexcept
{
    if (!output) {
        return;
    }
    std::memcpy(&output->type, &operation.type, sizeof(output->type));
    output->result = result;
    if (!has_known_type(operation)) {
        return;
    }
    switch (operation.type) {
    case VDM_OPERATION_MEMCPY:
        output->output.memcpy.dest = operation.data.memcpy.dest;
        break;
    case VDM_OPERATION_MEMMOVE:
        output->output.memmove.dest = operation.data.memmove.dest;
        break;
    case VDM_OPERATION_MEMSET:
        output->output.memset.str = operation.data.memset.str;
        break;
    case VDM_OPERATION_FLUSH:
        output->output.flush.unused = 0;
        break;
    }
}

} // namespace miniasync
