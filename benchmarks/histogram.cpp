// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

#include "histogram.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

namespace bench {

void Histogram::add(Ticks value) noexcept
{
    const unsigned shift = value < steps ? 0 : static_cast<unsigned>(std::bit_width(value)) - bits - 1;
    // The shifted value has its highest bit at 64 unless it is small, so that the shifts' ranges follow each other.
    ++buckets_[shift * steps + (value >> shift)];
    ++count_;
    max_ = std::max(max_, value);
}

void Histogram::add(const Histogram &other) noexcept
{
    std::transform(buckets_.begin(), buckets_.end(), other.buckets_.begin(), buckets_.begin(), std::plus());
    count_ += other.count_;
    max_ = std::max(max_, other.max_);
}

Ticks Histogram::percentile(double part) const noexcept
{
    const auto rank = static_cast<std::uint64_t>(std::ceil(part * static_cast<double>(count_)));
    std::uint64_t seen = 0;
    for (std::size_t bucket = 0; bucket < buckets_.size(); ++bucket) {
        seen += buckets_[bucket];
        if (seen >= rank && seen != 0) {
            const std::size_t shift = bucket < 2 * steps ? 0 : bucket / steps - 1;
            return std::min(max_, ((bucket - shift * steps + 1) << shift) - 1);
        }
    }
    return max_;
}

} // namespace bench
