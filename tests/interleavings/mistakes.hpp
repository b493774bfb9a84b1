// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// Makes one mistake after the other in how the library's threads share (sync/planted.hpp), and explores each time.
#pragma once

#include <cstddef>
#include <string>

namespace interleavings {

struct MistakesResult {
    std::size_t tried = 0; // without those that are listed as harmless
    std::size_t found = 0;
    std::size_t harmless = 0;
};

// Those at places that begin with `place`, e.g. "src/commit/commit.cpp:44". Prints what became of each.
MistakesResult try_mistakes(int workers, const std::string &place);

} // namespace interleavings
