// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace bench {

struct Quartiles {
    double low = 0;
    double median = 0;
    double high = 0;
};

Quartiles quartiles_of(std::vector<double> values);

// The value below which that part (0 to 1) of the sorted samples lies.
double percentile_of(std::span<const std::uint32_t> sorted, double part);

} // namespace bench
