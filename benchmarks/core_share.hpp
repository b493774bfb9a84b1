// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// How much of its core the calling thread has. Where a core runs two threads at once, what the other one does takes its
// part, also when that is another virtual machine's: what is bound by the number of its instructions, rather than by
// memory or a fence, then takes up to twice as long. The system does not tell, so a loop of additions is timed, which
// no memory and no fence is part of.
#pragma once

namespace bench {

// What one step of that loop takes now, in nanoseconds. Takes some microseconds.
double probe_core();

// Whether the core was the thread's own when that was measured: no more than a tenth above the least there was so far.
bool had_core_alone(double probe);

} // namespace bench
