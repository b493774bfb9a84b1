// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// Where things lie in a stream's file. docs/format.md is this file told in words; the two must agree.
// All integers are little-endian. Offsets count from the start of the file unless said otherwise.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

namespace pms::format {

static_assert(std::endian::native == std::endian::little, "the format is little-endian and read in place");

inline constexpr std::uint32_t version = 1;
inline constexpr std::uint32_t endian_mark = 0x01020304;

// The first word of the file: 0, then the creation intent while the stream is being made, then magic. The intent has
// the block size's logarithm in its highest byte, so that whoever finishes it makes the stream that was meant.
inline constexpr std::uint64_t magic = 0x314d525453454d50;         // "PMESTRM1"
inline constexpr std::uint64_t creation_intent = 0x574e5453454d50; // "PMESTNW"
inline constexpr std::uint64_t creation_intent_mask = (1ULL << 56) - 1;

// A map counts as empty if this much of its start (or all of it) is zero.
inline constexpr std::uint64_t empty_probe_size = 64 * 1024;

inline constexpr std::uint64_t min_block_size = 64;
inline constexpr std::uint64_t min_metadata_size = 8192;

// Two pages of 4096 bytes, each with a copy of the superblock, then the stream's mutable words in a sector of their
// own.
inline constexpr std::uint64_t page_size = 4096;
inline constexpr std::uint64_t sector_size = 512;
inline constexpr int copies = 2;

constexpr std::uint64_t superblock_offset(int copy)
{
    return copy * page_size;
}
constexpr std::uint64_t durable_timestamp_offset(int copy)
{
    return copy * page_size + sector_size;
}
constexpr std::uint64_t next_generation_offset(int copy)
{
    return copy * page_size + sector_size + 8;
}
inline constexpr std::uint64_t clean_mark_offset = sector_size + 16;
// Of these a word of zeros stands for the first value: the size that the superblock tells, and Durability::sync.
constexpr std::uint64_t stream_size_offset(int copy)
{
    return copy * page_size + sector_size + 24;
}
inline constexpr std::uint64_t growth_offset = sector_size + 32;
inline constexpr std::uint64_t durability_offset = sector_size + 40;

// What "persisted" stands for.
enum class Durability : std::uint8_t {
    sync = 0,    // survives a power cut
    process = 1, // survives the end of the process
};

// A volatile area, outside checksums and syncs, for readers in other processes.
inline constexpr std::uint64_t volatile_area_offset = page_size + 2048;
inline constexpr std::uint64_t volatile_area_size = 2048;
static_assert(volatile_area_offset + volatile_area_size == min_metadata_size);
// Its first word: the persisted watermark, as a plain integer. Kept by whoever has the stream open for writing; what it
// is without him tells nothing.
inline constexpr std::uint64_t watermark_offset = volatile_area_offset;
// Its second: a number that changes with each recovery, before it writes anything.
inline constexpr std::uint64_t recoveries_offset = volatile_area_offset + 8;

struct Superblock {
    std::uint64_t magic;
    std::uint32_t version;
    std::uint32_t endian_mark;
    std::uint8_t uuid[16];
    std::uint64_t features_may_ignore; // a library that does not know one may read and write
    std::uint64_t features_may_read;   // ... may only read
    std::uint64_t features_must_know;  // ... must refuse
    std::uint64_t stream_size;         // the file's size when it was made
    std::uint64_t block_size;
    std::uint64_t metadata_size; // where the first span begins
    std::uint64_t sequence;      // the copy with the higher one is the newer
    std::uint32_t integrity;     // the checksums' algorithm
    std::uint32_t reserved32;
    std::uint8_t reserved[408];
    std::uint64_t checksum; // of all bytes before it, seeded with the copy's offset
};
static_assert(sizeof(Superblock) == sector_size);
static_assert(offsetof(Superblock, version) == 8);
static_assert(offsetof(Superblock, endian_mark) == 12);
static_assert(offsetof(Superblock, uuid) == 16);
static_assert(offsetof(Superblock, features_may_ignore) == 32);
static_assert(offsetof(Superblock, features_may_read) == 40);
static_assert(offsetof(Superblock, features_must_know) == 48);
static_assert(offsetof(Superblock, stream_size) == 56);
static_assert(offsetof(Superblock, block_size) == 64);
static_assert(offsetof(Superblock, metadata_size) == 72);
static_assert(offsetof(Superblock, sequence) == 80);
static_assert(offsetof(Superblock, integrity) == 88);
static_assert(offsetof(Superblock, checksum) == 504);

inline constexpr std::uint32_t integrity_xxh3 = 1;

// The first 64 bytes of a span. In a free span only `span` counts.
struct RegionHeader {
    std::uint64_t span;       // checked word: size and kind of the span
    std::uint64_t generation; // never changes while the region lives, as the two below
    std::uint32_t flags;
    std::uint32_t checksum;
    std::uint64_t limit;      // checked word: no record was ever written behind this offset of the region
    std::uint64_t checkpoint; // checked word: offset in the region of the last record known durable; 0: none
    std::uint64_t hole_begin; // checked words: what recovery may step over, as offsets in the region; 0: nothing
    std::uint64_t hole_end;
    std::uint64_t data_start; // not used yet, 0: where a trimmed region's data begins
};
static_assert(sizeof(RegionHeader) == 64);
static_assert(offsetof(RegionHeader, generation) == 8);
static_assert(offsetof(RegionHeader, flags) == 16);
static_assert(offsetof(RegionHeader, checksum) == 20);
static_assert(offsetof(RegionHeader, limit) == 24);
static_assert(offsetof(RegionHeader, checkpoint) == 32);
static_assert(offsetof(RegionHeader, hole_begin) == 40);
static_assert(offsetof(RegionHeader, hole_end) == 48);
static_assert(offsetof(RegionHeader, data_start) == 56);

inline constexpr std::uint64_t region_header_size = sizeof(RegionHeader);

// Two words in front of an entry's data.
//   first:  size (40 bits, low), timestamp's low 24 bits
//   second: timestamp's high 30 bits (low), kind (2 bits), header check (4 bits), checksum (28 bits)
struct RecordHeader {
    std::uint64_t first;
    std::uint64_t second;
};
static_assert(sizeof(RecordHeader) == 16);

inline constexpr std::uint64_t record_header_size = sizeof(RecordHeader);
inline constexpr std::uint64_t record_alignment = 8;

inline constexpr unsigned size_bits = 40;
inline constexpr unsigned timestamp_bits = 54;
inline constexpr unsigned timestamp_low_bits = 64 - size_bits;
inline constexpr unsigned header_check_bits = 4;
inline constexpr unsigned checksum_bits = 28;
// The largest size field marks a gap of 8 bytes, which is too small for a record.
inline constexpr std::uint64_t gap_mark = (1ULL << size_bits) - 1;
inline constexpr std::uint64_t max_entry_size = gap_mark - 1;
inline constexpr std::uint64_t max_timestamp = (1ULL << timestamp_bits) - 1;

enum class Kind : std::uint8_t {
    none = 0,
    entry = 1,
    filler = 2, // space to step over; its data is not covered by the checksum
    member = 3, // an entry whose batch goes on with the next timestamp: accepted only together with that one
};

} // namespace pms::format
