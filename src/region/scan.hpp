// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// Finds the records of a region that no runtime knows: at open, and to verify.
#pragma once

#include "format/record.hpp"
#include "medium/medium.hpp"
#include "region/span_walk.hpp"

#include <cstdint>
#include <optional>
#include <vector>

namespace pms {

struct FoundRecord {
    std::uint64_t offset;
    std::uint64_t end;
    std::uint64_t timestamp; // 0: a filler
    std::uint64_t size;
    format::Kind kind;

    bool holds_data() const noexcept { return timestamp != 0; }
};

inline format::RecordHeader load_record_header(const Medium &medium, std::uint64_t offset)
{
    return {medium.load(offset), medium.load(offset + offsetof(format::RecordHeader, second))};
}

// What the header at `offset` tells, if it can be one of a record that ends at or before `end`. Its 16 bytes are loaded
// once: whoever writes them meanwhile cannot make the checks and the result differ.
inline std::optional<format::Record> read_record_header(const Medium &medium, std::uint64_t seed, std::uint64_t offset,
                                                        std::uint64_t end)
{
    if (end - offset < format::record_alignment)
        return std::nullopt;
    format::RecordHeader header{medium.load(offset), 0};
    if (end - offset >= format::record_header_size)
        header.second = medium.load(offset + offsetof(format::RecordHeader, second));
    return format::parse(header, end - offset, seed, offset);
}

// Stores a header by two atomic stores, since iterators and verify() may load it meanwhile: of a region that was freed
// and is somebody else's now, or of a filler that becomes an entry.
inline void write_record_header(Medium &medium, std::uint64_t offset, const format::RecordHeader &header,
                                Medium::Site site = Medium::Site::current()) noexcept
{
    medium.store(offset + offsetof(format::RecordHeader, second), header.second, site);
    medium.store(offset, header.first, site);
}

// A whole record at `offset` that ends at or before `end`; its checksum holds.
std::optional<FoundRecord> find_record(const Medium &medium, std::uint64_t seed, std::uint64_t offset,
                                       std::uint64_t end);

// The next whole record in [begin, end) wherever it starts. Hashes at most a bounded multiple of the range, so that no
// image makes it take quadratic time; `exhausted` tells that it passed over long ones for that.
class RecordSearch {
public:
    RecordSearch(const Medium &medium, std::uint64_t seed, std::uint64_t begin, std::uint64_t end) noexcept;
    std::optional<FoundRecord> next(std::uint64_t from);
    bool exhausted() const noexcept { return exhausted_; }

private:
    // Whether anything but a look at all of the header tells that none is there.
    bool may_be_record(std::uint64_t offset) const noexcept;
    // Whether it may be hashed.
    bool affordable(const format::Record &record, std::uint64_t offset) noexcept;

    const Medium &medium_;
    std::uint64_t seed_;
    std::uint64_t end_;
    std::uint64_t budget_;        // bytes that may still be hashed
    std::uint64_t second_budget_; // the same, of what looks better
    bool exhausted_ = false;
};

struct Gap {
    std::uint64_t begin;
    std::uint64_t end;
};

// What lies between a region's checkpoint and its limit.
struct RegionScan {
    std::vector<FoundRecord> chain;  // records that follow each other, beginning with the checkpoint's
    std::vector<FoundRecord> strays; // whole records behind the end of the chain, in the order of their offsets
    std::vector<Gap> holes;          // what the chain stepped over by the region's hole words
    std::uint64_t chain_end = 0;
    std::uint64_t known_end = 0;  // everything in front of it is known durable, by the hole words; 0: they do not tell
    bool limit_holds = true;      // no whole record goes on behind it
    bool checkpoint_holds = true; // the checkpoint's record is whole
    bool complete = true;         // every whole record up to the limit was found
};

// A region whose limit or checkpoint cannot be believed is scanned from its data's start to its end.
RegionScan scan_region(const Medium &medium, const RegionReading &region);

} // namespace pms
