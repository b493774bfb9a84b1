// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

#include "core_share.hpp"

#include "clock.hpp"

#include <algorithm>
#include <limits>

namespace bench {
namespace {

double least = std::numeric_limits<double>::infinity();

} // namespace

double probe_core()
{
    constexpr int steps = 8000;
    // Independent of each other, and more than a core does at a time.
    unsigned long a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0;
    const Ticks begin = ticks();
    for (int i = 0; i < steps; ++i) {
        ++a, ++b, ++c, ++d, ++e, ++f, ++g, ++h;
        asm volatile("" : "+r"(a), "+r"(b), "+r"(c), "+r"(d), "+r"(e), "+r"(f), "+r"(g), "+r"(h));
    }
    const double probe = static_cast<double>(ticks() - begin) * nanoseconds_per_tick() / steps;
    least = std::min(least, probe);
    return probe;
}

bool had_core_alone(double probe)
{
    constexpr double little = 1.1;
    return probe <= little * least;
}

} // namespace bench
