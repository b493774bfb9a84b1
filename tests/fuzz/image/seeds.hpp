// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// The images that inputs begin with, made by the library: empty, closed, killed at several moments.
#pragma once

#include "memory_map.hpp"

#include <cstdint>

namespace fuzz {

struct Seed {
    Bytes image;
    std::uint64_t block_size;
};

const std::vector<Seed> &seeds();

} // namespace fuzz
