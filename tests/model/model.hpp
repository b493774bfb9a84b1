// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// What a stream must hold, told without any of the library: regions in the order of their allocation, each a row of
// slots in the order of their offsets.
#pragma once

#include "data.hpp"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <vector>

namespace model {

constexpr std::uint64_t header_size = 64; // of a region

constexpr std::uint64_t align_up(std::uint64_t value, std::uint64_t alignment)
{
    return (value + alignment - 1) / alignment * alignment;
}

// What an entry of `size` bytes takes.
constexpr std::uint64_t length_of(std::uint64_t size)
{
    return 16 + align_up(size, 8);
}

struct Slot {
    std::uint64_t begin;
    std::uint64_t end;           // behind what was given out: more than the entry takes if it was published smaller
    std::uint64_t timestamp = 0; // 0: reserved, or cancelled
    bool cancelled = false;      // by a close, or given back
    Data data;                   // of an entry
    void *place = nullptr;       // of a reservation: where its owner writes

    bool reserved() const { return timestamp == 0 && !cancelled; }
    bool entry() const { return timestamp != 0; }
    std::uint64_t entry_end() const { return begin + length_of(data->size()); }
};

struct Region {
    std::uint64_t offset = 0;
    std::uint64_t size = 0; // without its header
    std::uint64_t generation = 0;
    std::vector<Slot> slots;

    std::uint64_t data_begin() const { return offset + header_size; }
    std::uint64_t end() const { return data_begin() + size; }
    std::uint64_t tail() const { return slots.empty() ? data_begin() : slots.back().end; }
    std::uint64_t usable() const { return end() - tail(); }
    std::uint64_t open_reservations() const { return std::ranges::count_if(slots, &Slot::reserved); }

    // A clean close gives back the reservations; those in front of entries are stepped over.
    void close();
    // What was given back at the end is free again.
    void drop_cancelled();
    // Nothing behind `timestamp` is left, and of the rest nothing but entries.
    void lose_behind(std::uint64_t timestamp);
    // The entries that an iterator shows once everything up to `committed` is.
    std::vector<const Slot *> visible(std::uint64_t committed) const;
};

// A region that was freed since the stream was opened, and whose space nobody has used again.
struct Freed {
    std::uint64_t offset;
    std::uint64_t span;
};

struct Model {
    std::uint64_t size = 0;
    std::uint64_t block_size = 0;
    std::uint64_t metadata_size = 0;
    std::vector<Region> regions;
    std::vector<Freed> freed;          // the last is the newest
    std::uint64_t last_generation = 0; // the highest that was ever seen
    std::uint64_t handed_out = 0;      // the last timestamp given to an entry
    std::uint64_t acknowledged = 0;    // the last one somebody was told is persisted

    std::uint64_t spans_end() const { return metadata_size + (size - metadata_size) / block_size * block_size; }
    std::uint64_t span_of(std::uint64_t region_size) const { return align_up(region_size + header_size, block_size); }
    Region *find(std::uint64_t offset);
    std::uint64_t free_size() const;
    // The longest stretch that no region takes.
    std::uint64_t longest_free() const;
    std::optional<Slot> entry_with(std::uint64_t timestamp) const;
};

} // namespace model
