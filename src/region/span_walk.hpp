// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// Reads the tiling of a stream: the spans behind the metadata, each a region or free, found by walking from one to the
// next.
#pragma once

#include "format/region_header.hpp"
#include "format/superblock.hpp"
#include "medium/medium.hpp"

#include <cstdint>
#include <optional>
#include <vector>

namespace pms {

struct FreeSpan {
    std::uint64_t offset;
    std::uint64_t size;
};

// A region as its header tells it. An offset in the region that cannot be believed is nullopt.
struct RegionReading {
    std::uint64_t offset = 0;
    std::uint64_t size = 0; // of the span
    std::uint64_t generation = 0;
    std::uint64_t seed = 0;      // of its records' checksums
    bool identity_holds = false; // size, generation and flags are as written
    std::optional<std::uint64_t> limit, checkpoint, hole_begin,
        hole_end; // from the start of the map; checkpoint 0: none

    std::uint64_t data_begin() const noexcept { return offset + format::region_header_size; }
    std::uint64_t end() const noexcept { return offset + size; }
    bool whole() const noexcept { return identity_holds && limit && checkpoint && hole_begin && hole_end; }
};

struct DamagedSpace {
    std::uint64_t offset;
    std::uint64_t size;
};

struct Tiling {
    std::vector<RegionReading> regions; // in the order of their offsets
    std::vector<FreeSpan> free_spans;   // likewise
    std::vector<DamagedSpace> damaged;  // where a span should begin and none does, up to the next that was found
};

// Has the pages of the spans' headers present, up to the first damaged one: by a write that changes nothing. Linux maps
// up to 16 pages around one that is read first, and one alone that is written first, which takes half the time.
void have_spans_present(const Medium &medium, const format::Geometry &geometry) noexcept;

// Where a damaged span is, goes on at the next block that begins a region whose header holds.
Tiling walk_spans(const Medium &medium, const format::Geometry &geometry);

// The region header at `offset`, given that its span has `size` bytes.
RegionReading read_region(const Medium &medium, const format::Geometry &geometry, std::uint64_t offset,
                          std::uint64_t size);

} // namespace pms
