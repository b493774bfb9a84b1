// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// Counts durations, each to one part in 64, and the longest exactly.
#pragma once

#include "clock.hpp"

#include <array>
#include <cstdint>

namespace bench {

class Histogram {
public:
    void add(Ticks value) noexcept;
    void add(const Histogram &other) noexcept;
    void clear() noexcept { *this = {}; }

    std::uint64_t count() const noexcept { return count_; }
    Ticks max() const noexcept { return max_; }
    // The value that this part (0 to 1) of the durations does not exceed.
    Ticks percentile(double part) const noexcept;

private:
    // Values below 64 have a bucket each; of the others the six bits below the highest one and its place tell which.
    static constexpr unsigned bits = 6;
    static constexpr std::uint64_t steps = 1U << bits;

    std::array<std::uint64_t, (64 - bits + 1) *steps> buckets_ = {};
    std::uint64_t count_ = 0;
    Ticks max_ = 0;
};

} // namespace bench
