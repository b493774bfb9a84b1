// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// Where an appended entry goes.
#pragma once

#include "stream.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tool {

// Appends to one region while there is room. Then, unless bound to that region, goes on in the first one that has room,
// and makes another of all the free space when none has.
class RegionFiller {
public:
    RegionFiller(const std::string &path, pmemstream *stream, std::optional<std::uint64_t> bound_to);

    // Starts an append, and gives its timestamp. Throws Failure when there is no room, having changed nothing.
    std::uint64_t append(std::string_view data);

private:
    bool try_append(std::string_view data, pmemstream_entry *entry);
    void find_room(std::uint64_t entry_size);

    const std::string &path_;
    pmemstream *stream_;
    Regions regions_;
    std::optional<std::uint64_t> bound_to_;
    std::optional<std::uint64_t> current_;
};

} // namespace tool
