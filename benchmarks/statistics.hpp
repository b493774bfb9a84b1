// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

#pragma once

#include <vector>

namespace bench {

struct Quartiles {
    double low = 0;
    double median = 0;
    double high = 0;
};

Quartiles quartiles_of(std::vector<double> values);

// What was measured round by round, and the longest probe_core() of each round's.
struct Rounds {
    std::vector<double> values;
    std::vector<double> probes;
};

} // namespace bench
