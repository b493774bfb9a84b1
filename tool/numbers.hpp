// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// Numbers on the command line. CLI11 2.1 takes them through strtoull, which lets "-1" and overflows pass and reads
// "010" as 8, so they are read here.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace tool {

// Decimal digits and nothing else.
std::optional<std::uint64_t> parse_number(std::string_view text);

// Decimal digits and an optional K, M, G, T (powers of 1024), also as k, KB or KiB. Not 0.
std::optional<std::uint64_t> parse_size(std::string_view text);

} // namespace tool
