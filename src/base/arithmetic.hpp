// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// Integer arithmetic on sizes and offsets that may come from a caller or a damaged file.
#pragma once

#include <bit>
#include <cstdint>
#include <optional>

namespace pms {

constexpr std::uint64_t align_down(std::uint64_t value, std::uint64_t power_of_two) noexcept
{
    return value & ~(power_of_two - 1);
}

// The caller knows that `value` is far from 2^64.
constexpr std::uint64_t align_up(std::uint64_t value, std::uint64_t power_of_two) noexcept
{
    return align_down(value + power_of_two - 1, power_of_two);
}

constexpr std::optional<std::uint64_t> checked_add(std::uint64_t a, std::uint64_t b) noexcept
{
    std::uint64_t sum = 0;
    if (__builtin_add_overflow(a, b, &sum))
        return std::nullopt;
    return sum;
}

constexpr std::optional<std::uint64_t> checked_align_up(std::uint64_t value, std::uint64_t power_of_two) noexcept
{
    const auto sum = checked_add(value, power_of_two - 1);
    if (!sum)
        return std::nullopt;
    return align_down(*sum, power_of_two);
}

} // namespace pms
