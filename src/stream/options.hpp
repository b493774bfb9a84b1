// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

#pragma once

#include "format/layout.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>

namespace pms {

struct Options {
    bool read_only = false;
    bool check_data = false;    // iterators check the entries' data, too
    std::uint64_t slots = 1024; // timestamps that can be handed out and not yet committed; a power of two
    std::optional<format::Durability> durability{}; // unless it stays as it is
    std::chrono::microseconds max_delay{0};         // of a group commit, for more to take part
    // For a read-only open: whether somebody has the stream open for writing. Empty: nobody has.
    std::function<bool()> has_writer{};
};

} // namespace pms
