// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// Stands in for src/integrity/checked.hpp in the tests.
#pragma once

#include "medium/mutation.hpp"

#include <source_location>
#include <type_traits>

namespace pms {

constexpr bool checked(bool holds, const std::source_location &place = std::source_location::current()) noexcept
{
    if (std::is_constant_evaluated())
        return holds;
    return holds || Mutation::of(Mutation::Step::check, place) != Mutation::Kind::none;
}

} // namespace pms
