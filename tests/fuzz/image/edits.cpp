// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

#include "edits.hpp"

#include "check.hpp"
#include "format/record.hpp"
#include "format/region_header.hpp"
#include "format/superblock.hpp"
#include "medium/medium.hpp"
#include "stream/recovery.hpp"

#include <cstring>
#include <optional>

namespace fuzz {
namespace {

namespace format = pms::format;
using format::OffsetWord;
using format::RegionHeader;
using format::Superblock;
using format::TimestampWord;

// An image may grow to this size.
constexpr std::size_t max_size = 65536;
// More of them take time and reach no further.
constexpr int max_edits = 64;

class Editor {
public:
    Editor(const Seed &seed, Input &input) : input_(input), image_(seed.image)
    {
        format::SuperblockReading reading;
        if (!pms::failed(format::read_superblocks(image_.data(), image_.size(), reading)))
            geometry_ = reading.geometry;
        else // what it will be is not known, so this is only something to encode with
            check(!pms::failed(format::plan(image_.size(), seed.block_size, {}, geometry_)), "a seed's geometry");
        find_spans();
    }

    Edited run()
    {
        for (int i = 0; i < max_edits && !input_.done(); ++i)
            one();
        return {std::move(image_), forged_, sealed_};
    }

private:
    void one()
    {
        switch (input_.byte() % 12) {
        case 0:
            return flip();
        case 1:
            return write_any_word();
        case 2:
            return move();
        case 3:
            return fill();
        case 4:
            return resize();
        case 5:
            return write_superblock();
        case 6:
            return write_stream_word();
        case 7:
            return write_span();
        case 8:
            return write_region_word();
        case 9:
            return write_region_identity();
        case 10:
            return write_records();
        default:
            return seal();
        }
    }

    // Small, near what is there, aligned, or near the ends of what fields and 64 bits hold.
    std::uint64_t number(std::uint64_t present)
    {
        // Nothing is taken twice in an expression: compilers would differ in what an input means.
        const unsigned kind = input_.byte();
        switch (kind % 8) {
        case 0:
            return input_.byte();
        case 1:
            return input_.take<std::uint16_t>();
        case 2:
            return input_.take<std::uint64_t>();
        case 3:
            return present + static_cast<std::uint64_t>(input_.take<std::int8_t>());
        case 4:
            return present + 8 * static_cast<std::uint64_t>(input_.take<std::int8_t>());
        case 5:
            return 8 * std::uint64_t{input_.take<std::uint16_t>()};
        case 6:
            return UINT64_MAX - input_.take<std::uint16_t>();
        default:
            return (1ULL << kind / 8 * 2) + static_cast<std::uint64_t>(input_.take<std::int8_t>());
        }
    }

    template <typename T>
    std::optional<T> read(std::uint64_t offset) const
    {
        T value;
        if (offset > image_.size() || image_.size() - offset < sizeof value)
            return std::nullopt;
        std::memcpy(&value, image_.data() + offset, sizeof value);
        return value;
    }
    void write(std::uint64_t offset, const void *data, std::size_t size)
    {
        if (offset <= image_.size() && image_.size() - offset >= size)
            std::memcpy(image_.data() + offset, data, size);
    }
    std::uint64_t seed_at(std::uint64_t offset) const { return format::word_seed(geometry_.stream_seed, offset); }

    // A word that holds the number, with its check.
    template <typename Word>
    void write_number(std::uint64_t offset)
    {
        const std::uint64_t present = read<std::uint64_t>(offset).value_or(0) & Word::max;
        const std::uint64_t word = Word::encode(number(present) & Word::max, seed_at(offset));
        write(offset, &word, sizeof word);
    }

    // Any place; what a small input can reach are metadata and the first regions.
    std::uint64_t place() { return 8 * std::uint64_t{input_.take<std::uint16_t>()} % (image_.size() + 1); }

    void find_spans()
    {
        spans_.clear();
        std::uint64_t offset = geometry_.metadata_size;
        while (offset < geometry_.spans_end() && spans_.size() < 16) {
            const auto word = read<std::uint64_t>(offset);
            const auto span = word ? format::decode_span(*word, seed_at(offset)) : std::nullopt;
            if (!span || span->size == 0 || span->size > geometry_.spans_end() - offset)
                return;
            spans_.push_back(offset);
            offset += span->size;
        }
    }
    // A span that was there in the seed, or the start of any block.
    std::uint64_t span()
    {
        const std::uint8_t which = input_.byte();
        if (which < 128 && !spans_.empty())
            return spans_[which % spans_.size()];
        return geometry_.metadata_size + which % 128 * geometry_.block_size;
    }

    void flip()
    {
        const std::uint64_t word = place();
        const std::uint64_t offset = word + input_.byte() % 8;
        const auto byte = read<std::uint8_t>(offset);
        const auto flipped = static_cast<std::uint8_t>(byte.value_or(0) ^ input_.byte());
        write(offset, &flipped, sizeof flipped);
    }

    void write_any_word()
    {
        const std::uint64_t offset = place();
        const std::uint64_t word = number(read<std::uint64_t>(offset).value_or(0));
        write(offset, &word, sizeof word);
    }

    void write_superblock()
    {
        const std::uint8_t what = input_.byte();
        // Both copies alike, or one.
        const Input operands = input_;
        for (int copy = 0; copy < format::copies; ++copy) {
            if (what % 4 == copy + 1)
                continue;
            auto superblock = read<Superblock>(format::superblock_offset(copy));
            if (!superblock)
                continue;
            input_ = operands;
            change(*superblock, what / 4);
            superblock->checksum =
                pms::hash(&*superblock, offsetof(Superblock, checksum), format::superblock_offset(copy));
            write(format::superblock_offset(copy), &*superblock, sizeof *superblock);
        }
        format::SuperblockReading reading;
        if (pms::failed(format::read_superblocks(image_.data(), image_.size(), reading)))
            return;
        geometry_ = reading.geometry;
        find_spans();
    }

    void change(Superblock &superblock, unsigned field)
    {
        switch (field % 12) {
        case 0:
            superblock.magic = number(superblock.magic);
            break;
        case 1:
            superblock.version = static_cast<std::uint32_t>(number(superblock.version));
            break;
        case 2:
            superblock.endian_mark = static_cast<std::uint32_t>(number(superblock.endian_mark));
            break;
        case 3:
            superblock.uuid[0] ^= input_.byte();
            break;
        case 4:
            superblock.features_may_ignore = number(superblock.features_may_ignore);
            break;
        case 5:
            superblock.features_may_read = number(superblock.features_may_read);
            break;
        case 6:
            superblock.features_must_know = number(superblock.features_must_know);
            break;
        case 7:
            superblock.stream_size = number(superblock.stream_size);
            break;
        case 8:
            superblock.block_size = number(superblock.block_size);
            break;
        case 9:
            superblock.metadata_size = number(superblock.metadata_size);
            break;
        case 10:
            superblock.sequence = number(superblock.sequence);
            break;
        default:
            superblock.integrity = static_cast<std::uint32_t>(number(superblock.integrity));
            break;
        }
    }

    void write_stream_word()
    {
        switch (input_.byte() % 5) {
        case 0:
            return write_number<TimestampWord>(format::durable_timestamp_offset(0));
        case 1:
            return write_number<TimestampWord>(format::durable_timestamp_offset(1));
        case 2:
            return write_number<OffsetWord>(format::next_generation_offset(0));
        case 3:
            return write_number<OffsetWord>(format::next_generation_offset(1));
        default:
            return write_number<OffsetWord>(format::clean_mark_offset);
        }
    }

    void write_span()
    {
        const std::uint64_t offset = span();
        const std::uint64_t present = read<std::uint64_t>(offset).value_or(0) & OffsetWord::max;
        const std::uint64_t kind = input_.byte() % 4;
        const std::uint64_t blocks = number((present >> 2) * format::min_block_size / geometry_.block_size);
        const std::uint64_t value = blocks * geometry_.block_size / format::min_block_size << 2 | kind;
        const std::uint64_t word = OffsetWord::encode(value & OffsetWord::max, seed_at(offset));
        write(offset, &word, sizeof word);
    }

    // Limit, checkpoint, hole begin and hole end.
    void write_region_word()
    {
        const std::uint64_t offset = span() + offsetof(RegionHeader, limit);
        write_number<OffsetWord>(offset + 8 * (input_.byte() % 4));
    }

    // What never changes while a region lives, with its checksum.
    void write_region_identity()
    {
        const std::uint64_t offset = span();
        auto header = read<RegionHeader>(offset);
        if (!header)
            return;
        const std::uint8_t what = input_.byte();
        if (what % 4 == 0)
            header->flags = static_cast<std::uint32_t>(number(header->flags));
        else if (what % 4 == 1)
            header->data_start = number(header->data_start);
        else
            header->generation = number(header->generation);
        const std::uint64_t size = (header->span & OffsetWord::max) >> 2;
        header->checksum = format::region_checksum(geometry_.stream_seed, offset, size * format::min_block_size,
                                                   header->generation, header->flags);
        write(offset, &*header, sizeof *header);
    }

    // Records one behind the other, over what is there.
    void write_records()
    {
        const std::uint64_t begin = span();
        const auto header = read<RegionHeader>(begin);
        if (!header)
            return;
        const std::uint64_t seed = format::region_seed(geometry_.stream_seed, header->generation);
        std::uint64_t offset = begin + sizeof *header + 8 * std::uint64_t{input_.byte()};
        const std::uint8_t how = input_.byte();
        const auto present = format::decode(read<format::RecordHeader>(offset).value_or(format::RecordHeader{0, 0}));
        format::Record record{.kind = static_cast<format::Kind>(how % 4)};
        record.size = number(present.size) & format::gap_mark;
        record.timestamp = number(present.timestamp) & format::max_timestamp;
        for (int count = how / 4 % 4; count >= 0; --count) {
            write_record(record, seed, offset);
            offset += record.length();
            ++record.timestamp;
        }
    }

    void write_record(format::Record &record, std::uint64_t seed, std::uint64_t offset)
    {
        if (record.size == format::gap_mark) {
            const std::uint64_t gap = format::encode_gap(seed, offset);
            return write(offset, &gap, sizeof gap);
        }
        const std::uint64_t data = offset + format::record_header_size;
        std::uint64_t hash = 0;
        if (record.kind != format::Kind::filler && data <= image_.size() && record.size <= image_.size() - data)
            hash = format::data_hash(image_.data() + data, record.size, seed);
        record.checksum = format::record_checksum(record, hash, seed, offset);
        const format::RecordHeader header = format::encode(record);
        write(offset, &header, sizeof header);
        forged_ = true;
    }

    void move()
    {
        const std::uint64_t from = place();
        const std::uint64_t to = place();
        const std::uint64_t size = 8 * std::uint64_t{input_.byte()};
        if (from + size <= image_.size() && to + size <= image_.size())
            std::memmove(image_.data() + to, image_.data() + from, size);
    }

    void fill()
    {
        const std::uint64_t from = place();
        const std::uint64_t size = 8 * std::uint64_t{input_.byte()};
        const std::uint8_t byte = input_.byte();
        if (from + size <= image_.size())
            std::memset(image_.data() + from, byte, size);
    }

    void resize() { image_.resize(number(image_.size()) % (max_size + 1)); }

    // The clean mark of what is there now.
    void seal()
    {
        if (image_.size() != geometry_.stream_size)
            return;
        const auto word = [&]<typename Word>(std::uint64_t (*offset)(int)) {
            std::uint64_t newest = 0;
            for (int copy = 0; copy < format::copies; ++copy)
                newest = std::max(newest,
                                  Word::decode(*read<std::uint64_t>(offset(copy)), seed_at(offset(copy))).value_or(0));
            return newest;
        };
        const std::uint64_t durable = word.operator()<TimestampWord>(format::durable_timestamp_offset);
        const std::uint64_t generation = word.operator()<OffsetWord>(format::next_generation_offset);
        MemoryMap map(image_, PMEM2_GRANULARITY_CACHE_LINE);
        const pms::Medium medium(map.map());
        const std::uint64_t digest =
            pms::metadata_digest(medium, geometry_, pms::walk_spans(medium, geometry_), durable, generation);
        const std::uint64_t mark = OffsetWord::encode(digest, seed_at(format::clean_mark_offset));
        write(format::clean_mark_offset, &mark, sizeof mark);
        sealed_ = true;
    }

    Input &input_;
    Bytes image_;
    bool forged_ = false;
    bool sealed_ = false;
    format::Geometry geometry_;
    std::vector<std::uint64_t> spans_;
};

} // namespace

Edited edit(const Seed &seed, Input &input)
{
    return Editor(seed, input).run();
}

} // namespace fuzz
