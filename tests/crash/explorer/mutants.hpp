// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// Breaks the library in one place after the other (medium/mutation.hpp), and explores each time.
#pragma once

#include <cstddef>
#include <string>

namespace explorer {

struct MutantResult {
    // Without those that are listed as equivalent; with each entry of the lists that is out of date.
    std::size_t tried = 0;
    std::size_t killed = 0;
};

// Prints what became of each that was not killed.
MutantResult try_mutants(int workers);
// Those at places that begin with `place`, e.g. "src/stream/open.cpp:44". Prints each one's fate. An exit code.
int try_mutants_at(const std::string &place);

} // namespace explorer
