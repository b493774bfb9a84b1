// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// Enumerations that come from outside.

#pragma once

#include <cstring>

namespace miniasync {

// A caller in C may put any number into an enum. In C++ reading one that is not an enumerator is undefined, so what
// comes from outside is looked at as a number first.
template <typename Enum>
unsigned enum_value(const Enum &value) noexcept
{
    unsigned number = 0;

    static_assert(sizeof(number) == sizeof(value));
    std::memcpy(&number, &value, sizeof(number));
    return number;
}

} // namespace miniasync
