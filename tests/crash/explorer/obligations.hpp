// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// What a stream owes its user: which regions and entries have to be there after a crash, which may be, and nothing
// else.
#pragma once

#include "libpmemstream.h"

#include <cstdint>
#include <string>
#include <vector>

namespace explorer {

struct Region {
    enum class State : std::uint8_t {
        live,
        being_allocated, // may be there, empty, at any offset
        being_freed,     // may be there, as it was
        gone,            // its entries keep their timestamps
    };
    std::uint64_t offset;
    std::uint64_t size; // as region_size() gives it
    State state;
};

struct Entry {
    std::uint64_t timestamp;
    std::uint64_t offset;
    std::uint64_t size;
    std::uint64_t id; // what its data are made of; no two entries of a run have the same
    std::size_t region;
};

struct Obligations {
    std::vector<Region> regions; // in the order of their allocation
    std::vector<Entry> entries;  // all that were submitted and not lost since, in the order of their timestamps
    std::uint64_t acknowledged = 0;
    std::uint64_t space = 0;              // of all spans together
    std::uint64_t space_after_growth = 0; // while it grows; else the same

    std::uint64_t hash() const;
    std::uint64_t last_timestamp() const { return entries.empty() ? 0 : entries.back().timestamp; }
    // What is owed once a stream that holds entries up to `persisted` was opened.
    void reopened(std::uint64_t persisted);
};

// The data of an entry.
std::string data_of(std::uint64_t id, std::uint64_t size);

// What is wrong with the stream, or an empty string; damage that the stream tells of is text that begins with
// damage_reported. Gives the regions that were being allocated or freed the state
// that was found.
inline constexpr const char *damage_reported = "damage reported";
std::string compare(pmemstream *stream, Obligations &obligations);

} // namespace explorer
