// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

#pragma once

#include <cstdint>

namespace pms {

struct Options {
    bool read_only = false;
    bool check_data = false;    // iterators check the entries' data, too
    std::uint64_t slots = 1024; // timestamps that can be handed out and not yet committed; a power of two
};

} // namespace pms
