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

} // namespace bench
