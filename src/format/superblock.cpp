// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

#include "format/superblock.hpp"

#include "base/arithmetic.hpp"
#include "base/checksum.hpp"
#include "format/word.hpp"
#include "integrity/checked.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <optional>

namespace pms::format {
namespace {

// Seeds differ by copy, so that one written to the other's place does not pass.
std::uint64_t checksum(const Superblock &superblock, int copy) noexcept
{
    return hash(&superblock, offsetof(Superblock, checksum), superblock_offset(copy));
}

// What a copy is. Version and byte order are looked at before the checksum, whose algorithm they may change.
enum class State { foreign, damaged, newer, other_endianness, valid };

State state_of(const Superblock &superblock, int copy) noexcept
{
    if (superblock.magic == __builtin_bswap64(magic))
        return State::other_endianness;
    if (superblock.magic != magic)
        return State::foreign;
    if (superblock.endian_mark == endian_mark && superblock.version > version && superblock.version < 256)
        return State::newer;
    if (!checked(superblock.checksum == checksum(superblock, copy)) || superblock.endian_mark != endian_mark)
        return State::damaged;
    if (superblock.version != version || superblock.integrity != integrity_xxh3)
        return State::newer;
    return State::valid;
}

bool plausible(const Geometry &geometry) noexcept
{
    Geometry planned;
    return !failed(plan(geometry.stream_size, geometry.block_size, geometry.uuid, planned)) &&
           planned.metadata_size == geometry.metadata_size;
}

Geometry geometry_of(const Superblock &superblock) noexcept
{
    Geometry geometry;
    std::copy(std::begin(superblock.uuid), std::end(superblock.uuid), geometry.uuid.begin());
    geometry.stream_size = superblock.stream_size;
    geometry.block_size = superblock.block_size;
    geometry.metadata_size = superblock.metadata_size;
    geometry.stream_seed = hash(geometry.uuid.data(), geometry.uuid.size(), 0);
    return geometry;
}

// nullopt: damaged. `first` is what a word of zeros stands for.
std::optional<std::uint64_t> read_word(const std::byte *start, const Geometry &geometry, std::uint64_t offset,
                                       std::uint64_t first) noexcept
{
    // A writer, in another process, may be changing it.
    const std::uint64_t word =
        __atomic_load_n(reinterpret_cast<const std::uint64_t *>(start + offset), __ATOMIC_ACQUIRE);
    return word == 0 ? first : OffsetWord::decode(word, word_seed(geometry.stream_seed, offset));
}

} // namespace

std::uint64_t Geometry::spans_end() const noexcept
{
    return metadata_size + align_down(stream_size - metadata_size, block_size);
}

Error plan(std::uint64_t map_size, std::uint64_t block_size, const Uuid &uuid, Geometry &geometry) noexcept
{
    if (!valid_block_size(block_size))
        return Error::bad_block_size;
    if (map_size > OffsetWord::max)
        return Error::map_too_large;
    const std::uint64_t metadata_size = std::max(min_metadata_size, block_size);
    // The smallest region that can hold anything takes its header and one word more.
    const std::uint64_t smallest_span = align_up(region_header_size + 1, block_size);
    if (map_size < metadata_size || map_size - metadata_size < smallest_span)
        return Error::map_too_small;
    geometry.uuid = uuid;
    geometry.stream_size = map_size;
    geometry.block_size = block_size;
    geometry.metadata_size = metadata_size;
    geometry.stream_seed = hash(uuid.data(), uuid.size(), 0);
    return Error::none;
}

std::uint64_t encode_intent(std::uint64_t block_size) noexcept
{
    return creation_intent | static_cast<std::uint64_t>(std::countr_zero(block_size)) << 56;
}

Superblock encode(const Geometry &geometry, int copy) noexcept
{
    Superblock superblock{};
    superblock.magic = magic;
    superblock.version = version;
    superblock.endian_mark = endian_mark;
    std::copy(geometry.uuid.begin(), geometry.uuid.end(), std::begin(superblock.uuid));
    superblock.stream_size = geometry.stream_size;
    superblock.block_size = geometry.block_size;
    superblock.metadata_size = geometry.metadata_size;
    superblock.sequence = 1;
    superblock.integrity = integrity_xxh3;
    superblock.checksum = checksum(superblock, copy);
    return superblock;
}

Error read_superblocks(const std::byte *start, std::uint64_t map_size, SuperblockReading &reading) noexcept
{
    std::array<Superblock, copies> superblocks{};
    std::array<State, copies> states{State::foreign, State::foreign};
    bool damaged = false;
    int newest = -1;
    for (int copy = 0; copy < copies; ++copy) {
        // A file cut so short that the second copy is gone is still read by its first.
        if (map_size < superblock_offset(copy) + sizeof(Superblock))
            continue;
        Superblock &superblock = superblocks[copy];
        std::memcpy(&superblock, start + superblock_offset(copy), sizeof superblock);
        states[copy] = state_of(superblock, copy);
        reading.valid[copy] = states[copy] == State::valid;
        damaged = damaged || states[copy] == State::damaged;
        if (reading.valid[copy] && (newest < 0 || superblock.sequence > superblocks[newest].sequence))
            newest = copy;
    }
    if ((superblocks[0].magic & creation_intent_mask) == creation_intent) {
        const std::uint64_t logarithm = superblocks[0].magic >> 56;
        reading.intended_block_size = logarithm < 64 ? 1ULL << logarithm : 0;
        return valid_block_size(reading.intended_block_size) ? Error::unfinished_creation : Error::not_a_stream;
    }
    if (newest < 0) {
        if (std::ranges::count(states, State::newer) != 0)
            return Error::newer_format;
        if (std::ranges::count(states, State::other_endianness) != 0)
            return Error::other_endianness;
        return damaged ? Error::superblock_damaged : Error::not_a_stream;
    }

    const Superblock &superblock = superblocks[newest];
    if (superblock.features_must_know != 0)
        return Error::unknown_feature;
    reading.may_write = superblock.features_may_read == 0;
    reading.geometry = geometry_of(superblock);
    if (!plausible(reading.geometry))
        return Error::superblock_damaged;
    if (map_size < min_metadata_size)
        return Error::file_truncated;
    reading.made_size = reading.geometry.stream_size;
    if (!read_changing(start, reading) || !plausible(reading.geometry))
        return Error::superblock_damaged;
    if (!checked(map_size >= reading.geometry.stream_size))
        return Error::file_truncated;
    // A growth that was cut short leaves the file somewhere in between.
    if (!checked(map_size <= std::max(reading.geometry.stream_size, reading.growing_to)))
        return Error::file_grown;
    return Error::none;
}

bool read_changing(const std::byte *start, SuperblockReading &reading) noexcept
{
    const std::uint64_t made = reading.made_size;
    std::optional<std::uint64_t> size;
    for (int copy = 0; copy < copies; ++copy) {
        const auto word = read_word(start, reading.geometry, stream_size_offset(copy), made);
        reading.size_holds[copy] = word && *word >= made;
        if (reading.size_holds[copy])
            size = std::max(size, word); // it is only ever raised
    }
    const auto growth = read_word(start, reading.geometry, growth_offset, made);
    reading.growth_holds = growth.has_value();
    reading.growing_to = growth.value_or(0);
    const auto durability =
        read_word(start, reading.geometry, durability_offset, static_cast<std::uint64_t>(Durability::sync));
    reading.durability_holds = durability && *durability <= static_cast<std::uint64_t>(Durability::process);
    if (reading.durability_holds)
        reading.durability = static_cast<Durability>(*durability);
    if (size)
        reading.geometry.stream_size = *size;
    return size.has_value();
}

} // namespace pms::format
