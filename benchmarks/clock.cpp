// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

#include "clock.hpp"

#include "statistics.hpp"

#include <thread>
#include <vector>

namespace bench {
namespace {

double measure_nanoseconds_per_tick()
{
    using Clock = std::chrono::steady_clock;
    const auto begin = Clock::now();
    const Ticks first = ticks();
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    const Ticks last = ticks();
    const std::chrono::duration<double, std::nano> elapsed = Clock::now() - begin;
    return elapsed.count() / static_cast<double>(last - first);
}

} // namespace

double nanoseconds_per_tick()
{
    static const double measured = measure_nanoseconds_per_tick();
    return measured;
}

double clock_overhead_nanoseconds()
{
    std::vector<double> distances(10000);
    Ticks before = ticks();
    for (double &distance : distances) {
        const Ticks now = ticks();
        distance = static_cast<double>(now - before);
        before = now;
    }
    return quartiles_of(std::move(distances)).median * nanoseconds_per_tick();
}

} // namespace bench
