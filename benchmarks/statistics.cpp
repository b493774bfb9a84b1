// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

#include "statistics.hpp"

#include <algorithm>
#include <cmath>

namespace bench {

Quartiles quartiles_of(std::vector<double> values)
{
    if (values.empty())
        return {};
    std::sort(values.begin(), values.end());
    const auto at = [&](double part) {
        const double place = part * static_cast<double>(values.size() - 1);
        const auto below = static_cast<std::size_t>(place);
        const auto above = std::min(below + 1, values.size() - 1);
        return std::lerp(values[below], values[above], place - static_cast<double>(below));
    };
    return {at(0.25), at(0.5), at(0.75)};
}

} // namespace bench
