// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

#include "format/record.hpp"

#include <gtest/gtest.h>

#include <random>
#include <string>

namespace pms::format {
namespace {

constexpr std::uint64_t seed = 0x5eed;
constexpr std::uint64_t offset = 8256;

RecordHeader make(Kind kind, const std::string &data, std::uint64_t timestamp)
{
    Record record{.kind = kind, .size = data.size(), .timestamp = timestamp};
    record.checksum = record_checksum(record, data_hash(data.data(), data.size(), seed), seed, offset);
    return encode(record);
}

TEST(Record, FieldsAreGivenBackAtTheirExtremes)
{
    for (const std::uint64_t size : {std::uint64_t{0}, std::uint64_t{1}, max_entry_size})
        for (const std::uint64_t timestamp :
             {std::uint64_t{1}, (std::uint64_t{1} << 24) - 1, std::uint64_t{1} << 24, max_timestamp})
            for (const Kind kind : {Kind::entry, Kind::filler, Kind::member})
                for (const std::uint32_t checksum : {0U, (1U << checksum_bits) - 1}) {
                    const Record record = decode(encode({kind, size, timestamp, checksum}));
                    EXPECT_EQ(record.kind, kind);
                    EXPECT_EQ(record.size, size);
                    EXPECT_EQ(record.timestamp, timestamp);
                    EXPECT_EQ(record.checksum, checksum);
                }
}

TEST(Record, TakesSixteenBytesAndItsDataRoundedUpToEight)
{
    EXPECT_EQ(record_length(0), 16U);
    EXPECT_EQ(record_length(1), 24U);
    EXPECT_EQ(record_length(8), 24U);
    EXPECT_EQ(record_length(9), 32U);
    EXPECT_EQ(record_length(max_entry_size), 16U + (std::uint64_t{1} << size_bits));
}

TEST(Record, ParsesIfAndOnlyIfItFits)
{
    const RecordHeader header = make(Kind::entry, "12345678", 1);
    EXPECT_TRUE(parse(header, 24, seed, offset));
    for (std::uint64_t room = 0; room < 24; room += 8)
        EXPECT_FALSE(parse(header, room, seed, offset)) << room;
    // The largest size does not overflow anything.
    const RecordHeader huge = encode({Kind::entry, max_entry_size, 1, 0});
    EXPECT_FALSE(parse(huge, 4096, seed, offset));
    EXPECT_FALSE(parse(huge, record_length(max_entry_size) - 8, seed, offset));
    EXPECT_TRUE(parse(huge, record_length(max_entry_size), seed, offset));
    EXPECT_TRUE(parse(huge, UINT64_MAX, seed, offset));
}

// Without the data.
TEST(Record, EachFlippedBitOfSizeTimestampKindAndCheckIsFound)
{
    for (const Kind kind : {Kind::entry, Kind::member, Kind::filler}) {
        const RecordHeader header =
            kind == Kind::filler ? encode_filler(88, seed, offset) : make(kind, std::string(72, 'x'), 0x123456789);
        ASSERT_TRUE(parse(header, 4096, seed, offset));
        for (int bit = 0; bit < 64; ++bit)
            EXPECT_FALSE(parse({header.first ^ 1ULL << bit, header.second}, UINT64_MAX, seed, offset)) << bit;
        for (int bit = 0; bit < 36; ++bit)
            EXPECT_FALSE(parse({header.first, header.second ^ 1ULL << bit}, UINT64_MAX, seed, offset)) << bit;
    }
}

TEST(Record, RefusesWhatNoWriterWrites)
{
    EXPECT_FALSE(parse({0, 0}, 4096, seed, offset));
    EXPECT_FALSE(parse({UINT64_MAX, UINT64_MAX}, 4096, seed, offset));
    EXPECT_FALSE(parse(encode({Kind::none, 8, 1, 0}), 4096, seed, offset));
    EXPECT_FALSE(parse(make(Kind::entry, "x", 0), 4096, seed, offset)) << "an entry without a timestamp";
    EXPECT_FALSE(parse(encode({Kind::filler, 8, 0, 1}), 4096, seed, offset)) << "a filler without its checksum";
}

TEST(Record, EveryFlippedBitOfHeaderOrDataIsFound)
{
    const std::string data = "the data of an entry";
    // As in a region: with its padding, which a flipped size may take for data.
    std::string stored = data + std::string(4, '\0');
    for (const Kind kind : {Kind::entry, Kind::member}) {
        const RecordHeader header = make(kind, data, 77);
        ASSERT_TRUE(holds(*parse(header, 40, seed, offset), stored.data(), seed, offset));
        const auto whole = [&](const RecordHeader &read) {
            const auto record = parse(read, 40, seed, offset);
            return record && record->holds_data() && holds(*record, stored.data(), seed, offset);
        };
        for (int bit = 0; bit < 64; ++bit) {
            EXPECT_FALSE(whole({header.first ^ 1ULL << bit, header.second})) << bit;
            EXPECT_FALSE(whole({header.first, header.second ^ 1ULL << bit})) << bit;
        }
        for (std::size_t bit = 0; bit < 8 * data.size(); ++bit) {
            stored[bit / 8] = static_cast<char>(stored[bit / 8] ^ 1 << bit % 8);
            EXPECT_FALSE(whole(header)) << bit;
            stored[bit / 8] = static_cast<char>(stored[bit / 8] ^ 1 << bit % 8);
        }
    }
}

TEST(Record, OfAnotherPlaceGenerationOrStreamDoesNotHold)
{
    const std::string data = "data";
    const Record record = *parse(make(Kind::entry, data, 5), 4096, seed, offset);
    EXPECT_TRUE(holds(record, data.data(), seed, offset));
    EXPECT_FALSE(holds(record, data.data(), seed, offset + 8));
    EXPECT_FALSE(holds(record, data.data(), seed + 1, offset));
}

TEST(Filler, DoesNotCoverItsData)
{
    const RecordHeader header = encode_filler(64, seed, offset);
    const auto record = parse(header, 64, seed, offset);
    ASSERT_TRUE(record);
    EXPECT_EQ(record->kind, Kind::filler);
    EXPECT_EQ(record->length(), 64U);
    EXPECT_TRUE(holds(*record, nullptr, seed, offset));
    EXPECT_FALSE(parse(header, 56, seed, offset));
    EXPECT_FALSE(parse(header, 64, seed, offset + 8));
    EXPECT_FALSE(parse(header, 64, seed + 1, offset));
}

TEST(Gap, OfEightBytesHasAnEncodingOfItsOwn)
{
    const auto record = parse({encode_gap(seed, offset), 0}, 8, seed, offset);
    ASSERT_TRUE(record);
    EXPECT_EQ(record->length(), 8U);
    EXPECT_FALSE(record->holds_data());
    EXPECT_FALSE(parse({encode_gap(seed, offset), 0}, 8, seed, offset + 8));
    for (int bit = 0; bit < 64; ++bit)
        EXPECT_FALSE(parse({encode_gap(seed, offset) ^ 1ULL << bit, 0}, 8, seed, offset)) << bit;
}

} // namespace
} // namespace pms::format
