// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// The superblock: what never changes in a stream, and whether this library may touch it.
#pragma once

#include "base/error.hpp"
#include "format/layout.hpp"

#include <array>
#include <cstddef>
#include <cstdint>

namespace pms::format {

using Uuid = std::array<std::uint8_t, 16>;

// What a valid superblock says.
struct Geometry {
    Uuid uuid{};
    std::uint64_t stream_size = 0; // only grows
    std::uint64_t block_size = 0;
    std::uint64_t metadata_size = 0;
    std::uint64_t stream_seed = 0; // of checksums: the hash of the UUID

    // Where the last span ends; what is left behind it is smaller than a block.
    std::uint64_t spans_end() const noexcept;
};

constexpr bool valid_block_size(std::uint64_t block_size) noexcept
{
    return block_size >= min_block_size && (block_size & (block_size - 1)) == 0;
}

// The geometry of a new stream, or map_too_small, map_too_large, bad_block_size.
Error plan(std::uint64_t map_size, std::uint64_t block_size, const Uuid &uuid, Geometry &geometry) noexcept;

// The first word of a stream that is being made with a valid block size.
std::uint64_t encode_intent(std::uint64_t block_size) noexcept;

// One copy as it is stored at superblock_offset(copy).
Superblock encode(const Geometry &geometry, int copy) noexcept;

struct SuperblockReading {
    Geometry geometry;
    std::uint64_t intended_block_size = 0; // of an unfinished creation
    bool may_write = true;                 // no feature forbids it
    std::array<bool, copies> valid{};      // which copies are whole
    std::uint64_t made_size = 0;           // what the superblock tells of the stream's size
    // What changes: the geometry's stream_size, and this.
    Durability durability = Durability::sync;
    std::array<bool, copies> size_holds{true, true}; // which copies of the stream's size
    std::uint64_t growing_to = 0;                    // the length that the file may have, if more
    bool growth_holds = true;
    bool durability_holds = true;
};

// Reads both copies and takes the newest valid one. `start` holds the first `map_size` bytes of the map, at most
// min_metadata_size. Errors: not_a_stream, unfinished_creation, superblock_damaged, newer_format, other_endianness,
// unknown_feature, file_truncated, file_grown.
Error read_superblocks(const std::byte *start, std::uint64_t map_size, SuperblockReading &reading) noexcept;

// Reads again what changes, with the stream's size as a part of it, into what was read before. False if no copy of the
// size is whole: it stays as it was.
bool read_changing(const std::byte *start, SuperblockReading &reading) noexcept;

} // namespace pms::format
