// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// Breaks the library in one place after the other (medium/mutation.hpp), and explores each time.
#pragma once

#include <cstddef>

namespace explorer {

struct MutantResult {
    std::size_t tried = 0; // without those that are listed as equivalent
    std::size_t killed = 0;
};

// Prints what became of each that was not killed.
MutantResult try_mutants(int workers);

} // namespace explorer
