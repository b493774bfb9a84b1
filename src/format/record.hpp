// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// Records: encoding, decoding, validating. No access to the medium.
#pragma once

#include "base/arithmetic.hpp"
#include "base/checksum.hpp"
#include "format/layout.hpp"
#include "integrity/checked.hpp"

#include <cstdint>
#include <optional>

namespace pms::format {

struct Record {
    Kind kind = Kind::none;
    std::uint64_t size = 0; // of the data, without padding
    std::uint64_t timestamp = 0;
    std::uint32_t checksum = 0;
    bool gap = false; // the 8-byte filler that has no header of 16 bytes

    bool holds_data() const noexcept { return kind == Kind::entry || kind == Kind::member; }

    // Bytes from this record to the next.
    std::uint64_t length() const noexcept;
};

// What an entry of `size` bytes takes. The caller knows that size <= max_entry_size.
constexpr std::uint64_t record_length(std::uint64_t size) noexcept
{
    return record_header_size + align_up(size, record_alignment);
}

inline std::uint64_t Record::length() const noexcept
{
    return gap ? record_alignment : record_length(size);
}

// Of size, timestamp and kind, so that whoever goes from header to header, without the data, meets no wrong one: each
// of its bits is the parity of every fourth bit, inverted. Every single flipped bit is found, and every burst up to
// four.
constexpr std::uint64_t header_check(const RecordHeader &header) noexcept
{
    std::uint64_t folded = header.first ^ (header.second & 0xffffffff);
    folded ^= folded >> 32;
    folded ^= folded >> 16;
    folded ^= folded >> 8;
    folded ^= folded >> 4;
    return ~folded & ((1U << header_check_bits) - 1);
}

constexpr bool header_check_holds(const RecordHeader &header) noexcept
{
    return (header.second >> 32 & ((1U << header_check_bits) - 1)) == header_check(header);
}

inline RecordHeader encode(const Record &record) noexcept
{
    RecordHeader header{record.size | record.timestamp << size_bits,
                        record.timestamp >> timestamp_low_bits | static_cast<std::uint64_t>(record.kind) << 30};
    header.second |= header_check(header) << 32 | static_cast<std::uint64_t>(record.checksum) << (64 - checksum_bits);
    return header;
}

inline Record decode(const RecordHeader &header) noexcept
{
    Record record;
    record.size = header.first & gap_mark;
    record.timestamp = header.first >> size_bits | (header.second & ((1ULL << 30) - 1)) << timestamp_low_bits;
    record.kind = static_cast<Kind>(header.second >> 30 & 3);
    record.checksum = static_cast<std::uint32_t>(header.second >> (64 - checksum_bits));
    return record;
}

// The hash of an entry's data. Apart from record_checksum(), because data is hashed before its timestamp is known.
inline std::uint64_t data_hash(const void *data, std::uint64_t size, std::uint64_t region_seed) noexcept
{
    return hash(data, size, region_seed);
}

// The same of data that is copied first; `from` is read once.
inline std::uint64_t copy_and_hash_data(void *to, const void *from, std::uint64_t size,
                                        std::uint64_t region_seed) noexcept
{
    return copy_and_hash(to, from, size, region_seed);
}

// Covers size, kind, timestamp and data, and through the seed the stream, the region's generation and the place.
// `data_hash` is 0 for a filler, whose data may be written by the owner of a reservation at any time.
inline std::uint32_t record_checksum(const Record &record, std::uint64_t data_hash, std::uint64_t region_seed,
                                     std::uint64_t offset) noexcept
{
    const std::uint64_t covered[] = {data_hash, record.size | static_cast<std::uint64_t>(record.kind) << size_bits,
                                     record.timestamp, offset};
    return static_cast<std::uint32_t>(hash_words(covered, region_seed)) & ((1U << checksum_bits) - 1);
}

// The header of a filler of `length` bytes in all (a multiple of 8, at least 16).
inline RecordHeader encode_filler(std::uint64_t length, std::uint64_t region_seed, std::uint64_t offset) noexcept
{
    Record filler{.kind = Kind::filler, .size = length - record_header_size};
    filler.checksum = record_checksum(filler, 0, region_seed, offset);
    return encode(filler);
}

// The one word of a gap of 8 bytes: the mark, and a check of 24 bits.
inline std::uint64_t encode_gap(std::uint64_t region_seed, std::uint64_t offset) noexcept
{
    return gap_mark | hash(&offset, sizeof offset, region_seed) << size_bits;
}

// What its first word, its second word, alone tells.
constexpr bool is_gap(std::uint64_t first) noexcept
{
    return (first & gap_mark) == gap_mark;
}
constexpr bool has_kind(std::uint64_t second) noexcept
{
    return static_cast<Kind>(second >> 30 & 3) != Kind::none;
}

// What can be told of a record at `offset` from its header alone: whether it can be one, given that `room` bytes are
// left up to the end of where records may be. Gaps and fillers are checked in full; of what holds data the size, kind
// and timestamp are, and the checksum is left to holds().
inline std::optional<Record> parse(const RecordHeader &header, std::uint64_t room, std::uint64_t region_seed,
                                   std::uint64_t offset) noexcept
{
    if (is_gap(header.first)) {
        if (room < record_alignment || !checked(header.first == encode_gap(region_seed, offset)))
            return std::nullopt;
        return Record{.kind = Kind::filler, .gap = true};
    }
    const Record record = decode(header);
    if (record.kind == Kind::none || !checked(header_check_holds(header)) || room < record_header_size ||
        align_up(record.size, record_alignment) > room - record_header_size)
        return std::nullopt;
    if (record.kind == Kind::filler) {
        if (record.timestamp != 0 || !checked(record.checksum == record_checksum(record, 0, region_seed, offset)))
            return std::nullopt;
    } else if (record.timestamp == 0) {
        return std::nullopt;
    }
    return record;
}

// The same for who goes from entry to entry: the length of what holds data and has a timestamp up to `last`, or 0 for
// anything else. `room` is at least record_header_size.
inline std::uint64_t entry_length(const RecordHeader &header, std::uint64_t room, std::uint64_t last) noexcept
{
    const Record record = decode(header);
    const std::uint64_t length = record_length(record.size);
    if (record.timestamp - 1 < last && checked(header_check_holds(header)) && length <= room && record.holds_data() &&
        !is_gap(header.first)) [[likely]]
        return length;
    return 0;
}

// Whether the data is what the parsed record's checksum was made of. True for fillers.
inline bool holds(const Record &record, const void *data, std::uint64_t region_seed, std::uint64_t offset) noexcept
{
    return !record.holds_data() ||
           checked(record.checksum ==
                   record_checksum(record, data_hash(data, record.size, region_seed), region_seed, offset));
}

} // namespace pms::format
