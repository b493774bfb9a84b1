// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// The key of the n-th entry: big-endian, so that keys rise in the order of their bytes.
#pragma once

#include <array>
#include <cstdint>

namespace bench {

inline std::array<char, 8> number_key(std::uint64_t number) noexcept
{
    std::array<char, 8> key;
    for (int i = 7; i >= 0; --i, number >>= 8)
        key[static_cast<std::size_t>(i)] = static_cast<char>(number);
    return key;
}

// Room that a store is taken to need for an entry, with what it keeps besides.
constexpr std::uint64_t stored_size(std::uint64_t entry_size)
{
    return entry_size + 64;
}

} // namespace bench
