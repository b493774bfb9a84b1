// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// All that a stream shows of itself, in bounded steps, every byte of it touched.
#pragma once

#include "libpmemstream.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace fuzz {

struct SeenEntry {
    std::uint64_t offset;
    std::uint64_t timestamp;
    std::uint64_t size;
    std::uint64_t hash; // of its data

    bool operator==(const SeenEntry &) const = default;
};

struct SeenRegion {
    std::uint64_t offset;
    std::uint64_t generation;
    std::vector<SeenEntry> entries;
    std::uint64_t damages; // that its iterator stood at

    bool operator==(const SeenRegion &) const = default;
};

using View = std::vector<SeenRegion>;

// Whether all of the entries are there, as they were.
bool contains(const View &seen, const std::vector<SeenEntry> &entries);
std::vector<SeenEntry> entries_of(const View &seen);
// The same without the entries' bytes. Those of a damaged entry may change: recovery erases what looks like a record in
// it.
View places(View seen);
// Without the entries.
View regions(View seen);

SeenEntry see_entry(pmemstream *stream, pmemstream_entry entry, std::span<const std::byte> bytes);

// Through the iterators, damage skipped. Nothing that is given lies outside of `bytes`, the stream's map.
View view(pmemstream *stream, std::span<const std::byte> bytes);

// What else a stream tells: its info, what opening dropped, what verifying finds. All of it must be possible.
void check_reports(pmemstream *stream, std::span<const std::byte> bytes);

} // namespace fuzz
