// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// The finest clock there is: the processor's time stamp counter, where it has one that every program may read.
#pragma once

#include <chrono>
#include <cstdint>

#if defined(__x86_64__)
#include <x86intrin.h>
#endif

namespace bench {

using Ticks = std::uint64_t;

inline Ticks ticks() noexcept
{
#if defined(__x86_64__)
    return __rdtsc();
#else
    return static_cast<Ticks>(std::chrono::steady_clock::now().time_since_epoch().count());
#endif
}

// Measured against the system's clock, once.
double nanoseconds_per_tick();

// What taking the time costs: the median distance of two stamps with nothing between them.
double clock_overhead_nanoseconds();

} // namespace bench
