// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

#include "support/sim_stream.hpp"

#include "format/record.hpp"
#include "format/region_header.hpp"
#include "format/superblock.hpp"
#include "medium/medium.hpp"
#include "region/region.hpp"

#include <cstring>
#include <fstream>
#include <iterator>
#include <sstream>

namespace pms {
namespace {

SimulatedImage::Bytes golden()
{
    std::ifstream file(GOLDEN_IMAGE, std::ios::binary);
    const std::string content{std::istreambuf_iterator<char>(file), {}};
    SimulatedImage::Bytes bytes(content.size());
    std::memcpy(bytes.data(), content.data(), content.size());
    return bytes;
}

TEST(Golden, IsReadAsItWasWritten)
{
    SimulatedImage image(golden(), Granularity::page);
    SimStream stream(image);
    ASSERT_NE(stream.get(), nullptr);
    EXPECT_TRUE(stream.info().was_clean);
    EXPECT_EQ(stream.info().block_size, 64U);
    EXPECT_EQ(stream.info().size, 10240U);
    EXPECT_EQ(stream.content(), (Content{{1, "one"}, {2, "two two"}}));
    EXPECT_TRUE(stream.damages().empty());
}

// A stream opened and closed again without a change is the same, byte by byte.
TEST(Golden, OpeningAndClosingChangesNothing)
{
    SimulatedImage image(golden(), Granularity::page);
    SimStream(image).close();
    EXPECT_EQ(image.killed(), golden());
}

// Today's encoders write what was written then.
TEST(Golden, IsEncodedTheSameToday)
{
    const SimulatedImage::Bytes bytes = golden();
    format::SuperblockReading reading;
    ASSERT_EQ(format::read_superblocks(bytes.data(), bytes.size(), reading), Error::none);
    const format::Geometry &geometry = reading.geometry;
    const auto expect_at = [&](std::uint64_t offset, const void *data, std::size_t size) {
        EXPECT_EQ(std::memcmp(bytes.data() + offset, data, size), 0) << offset;
    };
    for (int copy = 0; copy < format::copies; ++copy) {
        const format::Superblock superblock = format::encode(geometry, copy);
        expect_at(format::superblock_offset(copy), &superblock, sizeof superblock);
    }
    const auto expect_word = [&]<typename Word>(std::uint64_t offset, std::uint64_t value) {
        const std::uint64_t word = Word::encode(value, format::word_seed(geometry.stream_seed, offset));
        expect_at(offset, &word, sizeof word);
    };
    for (int copy = 0; copy < format::copies; ++copy) {
        expect_word.operator()<format::TimestampWord>(format::durable_timestamp_offset(copy), 2);
        expect_word.operator()<format::OffsetWord>(format::next_generation_offset(copy), 2);
    }
    expect_word.operator()<format::OffsetWord>(8192, 512 / 64 << 2 | 2);
    expect_word.operator()<format::OffsetWord>(8192 + 24, 0x70);
    expect_word.operator()<format::OffsetWord>(8192 + 32, 0x58);
    expect_word.operator()<format::OffsetWord>(8704, 1536 / 64 << 2 | 1);
    format::RegionHeader header;
    Region::encode_header(geometry, 8192, 512, 1, header);
    expect_at(8200, &header.generation, 16);

    const std::uint64_t seed = format::region_seed(geometry.stream_seed, 1);
    const auto expect_entry = [&](std::uint64_t offset, const std::string &data, std::uint64_t timestamp) {
        format::Record record{.kind = format::Kind::entry, .size = data.size(), .timestamp = timestamp};
        record.checksum =
            format::record_checksum(record, format::data_hash(data.data(), data.size(), seed), seed, offset);
        const format::RecordHeader encoded = format::encode(record);
        expect_at(offset, &encoded, sizeof encoded);
        expect_at(offset + 16, data.data(), data.size());
    };
    expect_entry(8256, "one", 1);
    expect_entry(8280, "two two", 2);
}

// The dump in docs/format.md: lines "offset  bytes", "*" for what repeats the line before, the size at the end.
TEST(Golden, IsWhatThePageShows)
{
    std::ifstream page(FORMAT_PAGE);
    const SimulatedImage::Bytes bytes = golden();
    std::string line;
    bool in_dump = false;
    std::size_t shown = 0;
    std::size_t last = 0;
    while (std::getline(page, line)) {
        if (line == "```") {
            in_dump = !in_dump;
            continue;
        }
        if (!in_dump || line == "*")
            continue;
        std::istringstream words(line);
        std::size_t offset = 0;
        words >> std::hex >> offset;
        // Lines left out repeat the one before.
        for (std::size_t left_out = last + 16; shown != 0 && left_out < offset; ++left_out)
            ASSERT_EQ(bytes[left_out], bytes[left_out - 16]) << left_out;
        int value = 0;
        for (std::size_t i = 0; words >> value; ++i, ++shown)
            ASSERT_EQ(bytes.at(offset + i), static_cast<std::byte>(value)) << offset + i;
        last = offset;
    }
    EXPECT_GT(shown, 400U);
    EXPECT_EQ(last, bytes.size());
}

} // namespace
} // namespace pms
