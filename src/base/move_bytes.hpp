// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace pms {

// memmove(), inlined for 16 to 64 bytes: a call takes a tenth of a small asynchronous append, by what has to be saved
// around it.
inline void move_bytes(void *to, const void *from, std::size_t size) noexcept
{
    using Pair = std::array<std::uint64_t, 2>; // a register
    if (size < sizeof(Pair) || size > 4 * sizeof(Pair)) {
        if (size != 0) // else `from` may be a null pointer
            std::memmove(to, from, size);
        return;
    }
    // One to four of them, which overlap where the size is no multiple. All are loaded before one is stored.
    auto *const target = static_cast<std::byte *>(to);
    const auto *const source = static_cast<const std::byte *>(from);
    Pair first;
    Pair last;
    std::memcpy(&first, source, sizeof first);
    std::memcpy(&last, source + size - sizeof last, sizeof last);
    if (size > 2 * sizeof(Pair)) [[likely]] {
        Pair second;
        Pair third;
        std::memcpy(&second, source + sizeof first, sizeof second);
        std::memcpy(&third, source + size - 2 * sizeof third, sizeof third);
        std::memcpy(target + sizeof first, &second, sizeof second);
        std::memcpy(target + size - 2 * sizeof third, &third, sizeof third);
    }
    std::memcpy(target, &first, sizeof first);
    std::memcpy(target + size - sizeof last, &last, sizeof last);
}

} // namespace pms
