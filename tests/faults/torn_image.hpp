// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

#pragma once

#include "support/content.hpp"

#include <cstddef>
#include <string>

namespace faults {

inline constexpr std::size_t torn_block_size = 64;

// What a writer leaves that lost power: an entry is missing, and behind it lie some that are dropped, one of them in
// front of one that is kept.
struct TornImage {
    static constexpr std::uint64_t dropped = 21;

    std::string bytes;
    Content content; // that recovery keeps
};
TornImage torn_image(std::size_t size);

} // namespace faults
