// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

#include "format/superblock.hpp"

#include "base/checksum.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <functional>
#include <vector>

namespace pms::format {
namespace {

constexpr std::uint64_t map_size = 1 << 20;

class SuperblockTest : public testing::Test {
protected:
    SuperblockTest() : start(min_metadata_size)
    {
        EXPECT_EQ(plan(map_size, 4096, Uuid{1, 2, 3}, geometry), Error::none);
        write(0, encode(geometry, 0));
        write(1, encode(geometry, 1));
    }

    void write(int copy, const Superblock &superblock)
    {
        std::memcpy(start.data() + superblock_offset(copy), &superblock, sizeof superblock);
    }

    // Both copies changed, with checksums that hold.
    void change_both(const std::function<void(Superblock &)> &change)
    {
        for (int copy = 0; copy < copies; ++copy) {
            Superblock superblock = encode(geometry, copy);
            change(superblock);
            superblock.checksum = hash(&superblock, offsetof(Superblock, checksum), superblock_offset(copy));
            write(copy, superblock);
        }
    }

    Error read(std::uint64_t size = map_size)
    {
        reading = {};
        return read_superblocks(start.data(), size, reading);
    }

    Geometry geometry;
    std::vector<std::byte> start;
    SuperblockReading reading;
};

TEST_F(SuperblockTest, IsReadAsItWasPlanned)
{
    ASSERT_EQ(read(), Error::none);
    EXPECT_EQ(reading.geometry.uuid, geometry.uuid);
    EXPECT_EQ(reading.geometry.stream_size, map_size);
    EXPECT_EQ(reading.geometry.block_size, 4096U);
    EXPECT_EQ(reading.geometry.metadata_size, 8192U);
    EXPECT_EQ(reading.geometry.stream_seed, geometry.stream_seed);
    EXPECT_TRUE(reading.may_write);
    EXPECT_TRUE(reading.valid[0] && reading.valid[1]);
}

TEST_F(SuperblockTest, OneDamagedCopyIsToldAndTheOtherUsed)
{
    for (int copy = 0; copy < copies; ++copy) {
        for (std::size_t bit = 0; bit < 8 * sizeof(Superblock); ++bit) {
            std::byte &byte = start[superblock_offset(copy) + bit / 8];
            byte ^= std::byte{1} << bit % 8;
            ASSERT_EQ(read(), Error::none) << copy << ' ' << bit;
            ASSERT_FALSE(reading.valid[copy]) << copy << ' ' << bit;
            ASSERT_TRUE(reading.valid[1 - copy]);
            byte ^= std::byte{1} << bit % 8;
        }
    }
}

TEST_F(SuperblockTest, ACopyAtTheOthersPlaceIsDamaged)
{
    write(0, encode(geometry, 1));
    ASSERT_EQ(read(), Error::none);
    EXPECT_FALSE(reading.valid[0]);
}

TEST_F(SuperblockTest, TheNewerCopyCounts)
{
    Superblock superblock = encode(geometry, 1);
    superblock.sequence = 2;
    superblock.stream_size = map_size / 2;
    superblock.checksum = hash(&superblock, offsetof(Superblock, checksum), superblock_offset(1));
    write(1, superblock);
    EXPECT_EQ(read(map_size / 2), Error::none);
    EXPECT_EQ(reading.geometry.stream_size, map_size / 2);
}

TEST_F(SuperblockTest, EachRefusalHasItsOwnError)
{
    EXPECT_EQ(read(map_size - 1), Error::file_truncated);
    EXPECT_EQ(read(5000), Error::file_truncated);
    EXPECT_EQ(read(map_size + 1), Error::file_grown);

    change_both([](Superblock &superblock) { superblock.version = 2; });
    EXPECT_EQ(read(), Error::newer_format);
    change_both([](Superblock &superblock) { superblock.integrity = 2; });
    EXPECT_EQ(read(), Error::newer_format);
    change_both([](Superblock &superblock) { superblock.features_must_know = 1; });
    EXPECT_EQ(read(), Error::unknown_feature);
    change_both([](Superblock &superblock) { superblock.magic = __builtin_bswap64(magic); });
    EXPECT_EQ(read(), Error::other_endianness);
    change_both([](Superblock &superblock) { superblock.magic ^= 1; });
    EXPECT_EQ(read(), Error::not_a_stream);
    change_both([](Superblock &superblock) { superblock.block_size = 100; });
    EXPECT_EQ(read(), Error::superblock_damaged);
    change_both([](Superblock &superblock) { superblock.metadata_size = 64; });
    EXPECT_EQ(read(), Error::superblock_damaged);
    change_both([](Superblock &superblock) { superblock.stream_size = UINT64_MAX; });
    EXPECT_EQ(read(), Error::superblock_damaged);

    write(0, encode(geometry, 0));
    write(1, encode(geometry, 1));
    start[20] ^= std::byte{1};
    start[superblock_offset(1) + 20] ^= std::byte{1};
    EXPECT_EQ(read(), Error::superblock_damaged);
}

TEST_F(SuperblockTest, FeaturesDecideWhetherItMayBeWritten)
{
    change_both([](Superblock &superblock) { superblock.features_may_ignore = 1; });
    ASSERT_EQ(read(), Error::none);
    EXPECT_TRUE(reading.may_write);
    change_both([](Superblock &superblock) { superblock.features_may_read = 1; });
    ASSERT_EQ(read(), Error::none);
    EXPECT_FALSE(reading.may_write);
}

TEST_F(SuperblockTest, TheIntentInPlaceOfTheMagicIsAnUnfinishedCreation)
{
    for (const std::uint64_t block_size : {64ULL, 4096ULL, 1ULL << 40}) {
        const std::uint64_t intent = encode_intent(block_size);
        std::memcpy(start.data(), &intent, sizeof intent);
        EXPECT_EQ(read(), Error::unfinished_creation);
        EXPECT_EQ(reading.intended_block_size, block_size);
    }
    for (const std::uint64_t logarithm : {0ULL, 5ULL, 64ULL, 255ULL}) {
        const std::uint64_t intent = creation_intent | logarithm << 56;
        std::memcpy(start.data(), &intent, sizeof intent);
        EXPECT_EQ(read(), Error::not_a_stream);
    }
}

TEST(Plan, RefusesBlockSizesThatAreNoPowerOfTwoFrom64On)
{
    Geometry geometry;
    for (const std::uint64_t size : {0ULL, 1ULL, 32ULL, 63ULL, 65ULL, 96ULL, 4097ULL, ~0ULL})
        EXPECT_EQ(plan(map_size, size, {}, geometry), Error::bad_block_size) << size;
    for (std::uint64_t size = 64; size <= 65536; size *= 2)
        EXPECT_EQ(plan(map_size, size, {}, geometry), Error::none) << size;
}

TEST(Plan, SmallMapsWorkAsFarAsTheyHoldOneRegion)
{
    Geometry geometry;
    EXPECT_EQ(plan(10240, 64, {}, geometry), Error::none);
    EXPECT_EQ(plan(8192 + 128, 64, {}, geometry), Error::none);
    for (const std::uint64_t size : {0ULL, 1ULL, 255ULL, 256ULL, 8191ULL, 8192ULL, 8192ULL + 127})
        EXPECT_EQ(plan(size, 64, {}, geometry), Error::map_too_small) << size;
    EXPECT_EQ(plan(UINT64_MAX, 64, {}, geometry), Error::map_too_large);
}

TEST(Plan, MetadataStaysWithinItsBound)
{
    Geometry geometry;
    for (std::uint64_t block = 64; block <= 1 << 18; block *= 2) {
        ASSERT_EQ(plan(1 << 22, block, {}, geometry), Error::none);
        EXPECT_LE(geometry.metadata_size, block == 4096 ? 8192 : std::max<std::uint64_t>(16384, block));
        EXPECT_EQ(geometry.metadata_size % block, 0U);
    }
}

} // namespace
} // namespace pms::format
