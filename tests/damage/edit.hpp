// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// What is done to an image: one damage at a time.
#pragma once

#include "damage/live_image.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace damage {

enum class Kind : std::uint8_t {
    flipped,  // bit `at`
    cut,      // to the length `at`
    extended, // to the length `at`; `from` 0: by zeros, 1: by ones
    swapped,  // the blocks at `at` and `from`
    older,    // the block at `at` as it was in older image `from`
    torn,     // the first `from / 16` words of the block at `at` as they were in older image `from % 16`
    torn_end, // all but those
    zeroed,   // the block at `at`
    ones,
    noise, // random bytes, of the seed `from`
};
inline constexpr std::size_t kinds = 10;
const char *name_of(Kind kind);

struct Edit {
    Kind kind;
    std::uint32_t block; // its size
    std::uint32_t at;
    std::uint32_t from;
};

std::string to_string(const Edit &edit);
std::optional<Edit> parse_edit(const std::string &text);

// The image with that done to it.
Bytes apply(const LiveImage &image, const Edit &edit);

// Those that change something, in a fixed order; of all of them every `step`-th.
std::vector<Edit> edits_of(const LiveImage &image, std::uint32_t step);

} // namespace damage
