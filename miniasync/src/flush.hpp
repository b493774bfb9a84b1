// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// Cache lines and fences: what makes stores durable on memory inside the processor's persistence domain.

#pragma once

#include <cstddef>

namespace miniasync {

// Whether flush() works on this processor.
bool can_flush() noexcept;

// Starts the write-back of every cache line that [address, address + size) touches; fence() finishes it.
void flush(const void *address, std::size_t size) noexcept;

// Orders non-temporal stores and flushes before what the thread does next. A release store alone does not: on x86 it is
// an ordinary store, and non-temporal ones may become visible after it.
void fence() noexcept;

} // namespace miniasync
