// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

#include "region/scan.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace pms {
namespace {

constexpr std::uint64_t seed = 42;

class ScanTest : public testing::Test {
protected:
    ScanTest() : image(64 * 1024, Granularity::cache_line), medium(image)
    {
        region.offset = 8192;
        region.size = 8192;
        region.seed = seed;
        region.identity_holds = true;
        region.limit = region.end();
        region.checkpoint = 0;
        region.hole_begin = 0;
        region.hole_end = 0;
    }

    // Writes an entry; gives the offset behind it.
    std::uint64_t write(std::uint64_t offset, const std::string &data, std::uint64_t timestamp)
    {
        format::Record record{.kind = format::Kind::entry, .size = data.size(), .timestamp = timestamp};
        record.checksum =
            format::record_checksum(record, format::data_hash(data.data(), data.size(), seed), seed, offset);
        const format::RecordHeader header = format::encode(record);
        medium.copy(offset, &header, sizeof header);
        medium.copy(offset + sizeof header, data.data(), data.size());
        return offset + record.length();
    }

    static std::vector<std::uint64_t> timestamps(const std::vector<FoundRecord> &records)
    {
        std::vector<std::uint64_t> found;
        for (const FoundRecord &record : records)
            found.push_back(record.timestamp);
        return found;
    }

    SimulatedImage image;
    Medium medium;
    RegionReading region;
};

using Timestamps = std::vector<std::uint64_t>;

TEST_F(ScanTest, NothingIsReadBehindTheEnd)
{
    const std::uint64_t end = write(region.data_begin(), "fits exactly", 1);
    EXPECT_TRUE(find_record(medium, seed, region.data_begin(), end));
    EXPECT_FALSE(find_record(medium, seed, region.data_begin(), end - 8));
    EXPECT_FALSE(read_record_header(medium, seed, region.data_begin(), region.data_begin() + 8));
    EXPECT_FALSE(read_record_header(medium, seed, region.data_begin(), region.data_begin()));
}

TEST_F(ScanTest, AnEmptyRegionHasAnEmptyChain)
{
    const RegionScan scan = scan_region(medium, region);
    EXPECT_TRUE(scan.chain.empty());
    EXPECT_TRUE(scan.strays.empty());
    EXPECT_EQ(scan.chain_end, region.data_begin());
    EXPECT_TRUE(scan.checkpoint_holds);
}

TEST_F(ScanTest, TheChainEndsAtATornRecordAndWhatIsBehindItIsAStray)
{
    const std::uint64_t second = write(region.data_begin(), "first", 1);
    const std::uint64_t third = write(second, "second", 2);
    const std::uint64_t end = write(third, "third", 3);
    medium.store(second, 0);
    const RegionScan scan = scan_region(medium, region);
    EXPECT_EQ(timestamps(scan.chain), Timestamps{1});
    EXPECT_EQ(scan.chain_end, second);
    EXPECT_EQ(timestamps(scan.strays), Timestamps{3});
    EXPECT_EQ(scan.strays[0].end, end);
}

TEST_F(ScanTest, BeginsAtTheCheckpointAndEndsAtTheLimit)
{
    const std::uint64_t second = write(region.data_begin(), "first", 1);
    const std::uint64_t third = write(second, "second", 2);
    write(third, "third", 3);
    region.checkpoint = second;
    region.limit = third;
    const RegionScan scan = scan_region(medium, region);
    EXPECT_EQ(timestamps(scan.chain), Timestamps{2});
    EXPECT_TRUE(scan.strays.empty());
    EXPECT_TRUE(scan.checkpoint_holds);
}

TEST_F(ScanTest, TellsThatTheCheckpointsRecordIsDamaged)
{
    const std::uint64_t second = write(region.data_begin(), "first", 1);
    write(second, "second", 2);
    region.checkpoint = region.data_begin();
    medium.store(region.data_begin() + 16, 0);
    const RegionScan scan = scan_region(medium, region);
    EXPECT_FALSE(scan.checkpoint_holds);
    EXPECT_TRUE(scan.chain.empty());
    EXPECT_EQ(timestamps(scan.strays), Timestamps{2});
}

TEST_F(ScanTest, StepsOverTheRecordedHoleOnly)
{
    const std::uint64_t hole = write(region.data_begin(), "first", 1);
    const std::uint64_t behind = write(hole, "torn", 2);
    medium.store(hole, 0);
    write(behind, "behind", 3);
    EXPECT_EQ(timestamps(scan_region(medium, region).chain), Timestamps{1});
    region.hole_begin = hole;
    region.hole_end = behind;
    const RegionScan scan = scan_region(medium, region);
    EXPECT_EQ(timestamps(scan.chain), (Timestamps{1, 3}));
    ASSERT_EQ(scan.holes.size(), 1U);
    EXPECT_EQ(scan.holes[0].begin, hole);
    EXPECT_EQ(scan.holes[0].end, behind);
}

TEST_F(ScanTest, AWholeRecordAtTheHolesBeginIsTakenAsIt)
{
    const std::uint64_t hole = write(region.data_begin(), "first", 1);
    const std::uint64_t behind = write(hole, "published", 9);
    region.hole_begin = hole;
    region.hole_end = behind;
    const RegionScan scan = scan_region(medium, region);
    EXPECT_EQ(timestamps(scan.chain), (Timestamps{1, 9}));
    EXPECT_TRUE(scan.holes.empty());
}

TEST_F(ScanTest, FillersAndGapsHoldTheChainTogether)
{
    const std::uint64_t filler = write(region.data_begin(), "first", 1);
    const format::RecordHeader header = format::encode_filler(40, seed, filler);
    medium.copy(filler, &header, sizeof header);
    medium.store(filler + 40, format::encode_gap(seed, filler + 40));
    write(filler + 48, "behind", 2);
    EXPECT_EQ(timestamps(scan_region(medium, region).chain), (Timestamps{1, 0, 0, 2}));
}

TEST_F(ScanTest, ARecordThatEndsAtTheLimitIsInAndOneThatEndsBehindItIsNot)
{
    const std::uint64_t end = write(region.data_begin(), "12345678", 1);
    region.limit = end;
    EXPECT_EQ(scan_region(medium, region).chain.size(), 1U);
    region.limit = end - 8;
    EXPECT_TRUE(scan_region(medium, region).chain.empty());
    EXPECT_TRUE(scan_region(medium, region).strays.empty());
}

// Each header claims everything up to the end: hashing them all would take quadratic time.
TEST_F(ScanTest, AHostileImageIsGivenUp)
{
    SimulatedImage large(16 << 20, Granularity::cache_line);
    Medium hostile(large);
    RegionReading whole = region;
    whole.size = (16 << 20) - 8192;
    whole.limit = whole.end();
    for (std::uint64_t offset = whole.data_begin(); offset + 32 <= whole.end(); offset += 16) {
        const format::RecordHeader header = format::encode(
            {.kind = format::Kind::entry, .size = whole.end() - offset - 16, .timestamp = 1, .checksum = 7});
        hostile.copy(offset, &header, sizeof header);
    }
    const RegionScan scan = scan_region(hostile, whole);
    EXPECT_TRUE(scan.chain.empty());
    EXPECT_FALSE(scan.complete);
}

// An entry of numbers that each look like the header of a long record, damaged itself, hides nothing behind it.
TEST_F(ScanTest, WhatLiesBehindDataThatLooksLikeHeadersIsFound)
{
    SimulatedImage large(8 << 20, Granularity::cache_line);
    Medium misleading(large);
    RegionReading whole = region;
    whole.size = (8 << 20) - 8192;
    const format::RecordHeader misread =
        format::encode({.kind = format::Kind::entry, .size = 900000, .timestamp = 1, .checksum = 7});
    std::uint64_t offset = whole.data_begin() + 16; // behind a header that is gone
    for (int i = 0; i < 40000; ++i, offset += 16)
        misleading.copy(offset, &misread, sizeof misread);
    const auto put = [&](const std::string &data, std::uint64_t timestamp) {
        format::Record record{.kind = format::Kind::entry, .size = data.size(), .timestamp = timestamp};
        record.checksum =
            format::record_checksum(record, format::data_hash(data.data(), data.size(), seed), seed, offset);
        const format::RecordHeader header = format::encode(record);
        misleading.copy(offset, &header, sizeof header);
        misleading.copy(offset + 16, data.data(), data.size());
        offset += record.length();
    };
    for (std::uint64_t timestamp = 2; timestamp < 22; ++timestamp)
        put(std::string(100000, static_cast<char>('a' + timestamp)), timestamp);
    put("last", 22);
    whole.limit = offset;
    EXPECT_EQ(scan_region(misleading, whole).strays.size(), 21U);
}

} // namespace
} // namespace pms
