// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// What ends the program with a sentence for a person.
#pragma once

#include <stdexcept>
#include <string>

namespace bench {

struct Failure : std::runtime_error {
    using std::runtime_error::runtime_error;
};

inline void require(bool holds, const std::string &otherwise)
{
    if (!holds)
        throw Failure(otherwise);
}

} // namespace bench
