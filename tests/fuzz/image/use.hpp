// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// What a user does to a stream that opened for writing.
#pragma once

#include "view.hpp"

#include <cstddef>
#include <cstdint>
#include <span>

namespace fuzz {

// Appends in each way to every region, allocates, frees. What was appended is there as it was given; `how` chooses
// among sizes. Gives what of it must survive whatever comes.
std::vector<SeenEntry> use(pmemstream *stream, std::span<const std::byte> bytes, std::uint8_t how);

// Nothing can be done to a stream that is open for reading only.
void check_read_only(pmemstream *stream);

} // namespace fuzz
