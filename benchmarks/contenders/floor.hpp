// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// The machine's floor: the stores of the same bytes that an append has to make, and one fence.
#pragma once

#include "contenders/log.hpp"
#include "medium.hpp"

namespace bench {

inline constexpr std::size_t line_size = 64;
inline constexpr std::size_t header_size = 16;

enum class FloorStores {
    packed_16, // packed as a stream's records; whole lines by 16-byte non-temporal stores
    packed_32, // the same by 32-byte ones
    lines_16,  // each record begins a line and fills its last one
    lines_32,
    cached, // packed; ordinary stores, each line flushed
};

// 32-byte stores take a processor with AVX.
bool available(FloorStores stores);

LogPtr make_floor(const Medium &medium, FloorStores stores);

// A part of a map that somebody else keeps.
LogPtr make_floor(pmem2_map *map, std::size_t offset, std::size_t size, FloorStores stores);

// Ordinary stores, each line flushed, and a fence for so many entries.
LogPtr make_batch_floor(const Medium &medium, std::uint64_t batch);

} // namespace bench
