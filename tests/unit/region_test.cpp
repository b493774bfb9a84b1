// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

#include "region/region.hpp"

#include <gtest/gtest.h>

namespace pms {
namespace {

class RegionTest : public testing::Test {
protected:
    RegionTest() : image(1 << 20, Granularity::cache_line), medium(image)
    {
        EXPECT_EQ(format::plan(1 << 20, 64, {}, geometry), Error::none);
        RegionReading reading;
        reading.offset = 8192;
        reading.size = 512 * 1024;
        reading.generation = 1;
        reading.seed = 5;
        reading.limit = reading.data_begin();
        reading.checkpoint = 0;
        region.revive(reading, reading.data_begin(), 0, false);
    }

    Region::Pending &take(std::uint64_t length, Region::Pending::Kind kind = Region::Pending::Kind::writing)
    {
        std::uint64_t moved = 0;
        EXPECT_EQ(region.make_room(length, moved), Error::none);
        EXPECT_EQ(region.prepare_take(0), Error::none);
        return region.take(length, kind);
    }
    std::uint64_t reserve(std::uint64_t length) { return take(length, Region::Pending::Kind::reserved).begin; }
    void write_record(std::uint64_t offset, std::uint64_t size, std::uint64_t timestamp)
    {
        const format::RecordHeader header =
            format::encode({.kind = format::Kind::entry, .size = size, .timestamp = timestamp});
        medium.copy(offset, &header, sizeof header);
    }
    Region::Pending &write(std::uint64_t size, std::uint64_t timestamp)
    {
        Region::Pending &pending = take(format::record_length(size));
        write_record(pending.begin, size, timestamp);
        return pending;
    }
    void move_checkpoint(std::uint64_t durable)
    {
        Flush flush(medium);
        region.move_checkpoint(durable, flush);
        EXPECT_EQ(flush.wait(), Error::none);
        region.checkpoint_is_durable();
    }

    SimulatedImage image;
    Medium medium;
    format::Geometry geometry;
    Region region{medium, geometry};
};

TEST_F(RegionTest, TheLimitIsDurableBeforeRoomIsGivenAndMovesInSteps)
{
    std::uint64_t moved = 0;
    ASSERT_EQ(region.make_room(80, moved), Error::none);
    EXPECT_NE(moved, 0U);
    EXPECT_EQ(image.counts().fences, 1U);
    const auto read = [&](const SimulatedImage::Bytes &bytes) {
        SimulatedImage after(bytes, Granularity::cache_line);
        return read_region(Medium(after), geometry, region.offset(), region.size()).limit;
    };
    EXPECT_EQ(read(image.power_cut_losing_all()), region.limit());
    EXPECT_GE(region.limit(), region.tail() + 80);

    moved = 0;
    take(80);
    ASSERT_EQ(region.make_room(80, moved), Error::none);
    EXPECT_EQ(moved, 0U) << "one fence per step, not per append";
    EXPECT_EQ(image.counts().fences, 1U);
}

TEST_F(RegionTest, RoomUpToTheLastByteAndNotOneMore)
{
    std::uint64_t moved = 0;
    EXPECT_EQ(region.make_room(region.usable_size() + 8, moved), Error::region_full);
    EXPECT_EQ(region.make_room(UINT64_MAX - 7, moved), Error::region_full);
    EXPECT_EQ(image.counts().stores, 0U) << "a failed call changes nothing";
    EXPECT_EQ(region.make_room(region.usable_size(), moved), Error::none);
    EXPECT_EQ(region.limit(), region.end());
}

TEST_F(RegionTest, TheCheckpointFollowsTheDurableTimestamp)
{
    const std::uint64_t first = region.data_begin();
    region.stamp(write(64, 1), 1);
    region.stamp(write(64, 2), 2);
    region.settle(2);
    move_checkpoint(0);
    EXPECT_EQ(region.checkpoint(), 0U);
    move_checkpoint(1);
    EXPECT_EQ(region.checkpoint(), first) << "2 may be lost yet, and its timestamp would be missed";
    EXPECT_FALSE(region.covered());
    move_checkpoint(2);
    EXPECT_EQ(region.checkpoint(), first + 80);
    EXPECT_TRUE(region.covered());
}

TEST_F(RegionTest, TheCheckpointIsWrittenBeforeItIsBelieved)
{
    region.stamp(write(64, 1), 1);
    region.settle(1);
    Flush flush(medium);
    region.move_checkpoint(1, flush);
    EXPECT_EQ(region.checkpoint(), 0U);
    ASSERT_EQ(flush.wait(), Error::none);
    region.checkpoint_is_durable();
    EXPECT_EQ(region.checkpoint(), region.data_begin());
    SimulatedImage after(image.power_cut_losing_all(), Granularity::cache_line);
    EXPECT_EQ(read_region(Medium(after), geometry, region.offset(), region.size()).checkpoint, region.data_begin());
}

TEST_F(RegionTest, TheCheckpointStaysInFrontOfAnOpenReservation)
{
    region.stamp(write(64, 1), 1);
    take(80);
    region.stamp(write(64, 2), 2);
    region.settle(2);
    move_checkpoint(2);
    EXPECT_EQ(region.checkpoint(), region.data_begin());
    EXPECT_FALSE(region.covered());
}

TEST_F(RegionTest, TheCheckpointDoesNotPassAHigherTimestamp)
{
    Region::Pending &reserved = take(80);
    const std::uint64_t offset = reserved.begin;
    region.stamp(write(64, 1), 1);
    write_record(offset, 64, 2);
    region.stamp(reserved, 2);
    region.settle(2);
    move_checkpoint(1);
    EXPECT_EQ(region.checkpoint(), 0U);
    move_checkpoint(2);
    EXPECT_EQ(region.checkpoint(), offset + 80);
}

TEST_F(RegionTest, VisibleUpToTheFirstThatIsNotCommitted)
{
    region.stamp(take(80), 1);
    Region::Pending &reserved = take(80);
    region.stamp(take(80), 2);
    region.settle(2);
    EXPECT_EQ(region.visible_end(), region.data_begin() + 80);
    region.stamp(reserved, 3);
    region.settle(2);
    EXPECT_EQ(region.visible_end(), region.data_begin() + 80);
    region.settle(3);
    EXPECT_EQ(region.visible_end(), region.tail());
}

TEST_F(RegionTest, AReservationIsFoundByItsOffsetOnly)
{
    region.stamp(take(80), 1);
    const std::uint64_t offset = reserve(80);
    EXPECT_EQ(region.reservation(offset - 80), nullptr) << "an entry";
    EXPECT_EQ(region.reservation(offset + 8), nullptr);
    ASSERT_NE(region.reservation(offset), nullptr);
    EXPECT_TRUE(region.is_last(*region.reservation(offset)));
    EXPECT_EQ(region.open_reservations(), 1U);
}

TEST_F(RegionTest, CancelledReservationsAtTheTailAreFreeAgain)
{
    const std::uint64_t before = region.usable_size();
    reserve(80);
    reserve(160);
    region.cancel_reservations();
    EXPECT_EQ(region.usable_size(), before);
}

TEST_F(RegionTest, ACancelledReservationWithAnEntryBehindItStaysAFiller)
{
    const std::uint64_t offset = reserve(80);
    Region::Pending &entry = take(80);
    Flush flush(medium);
    region.cover_reservations(entry.begin, &flush);
    region.stamp(entry, 1);
    region.cancel_reservations();
    region.settle(1);
    EXPECT_EQ(region.visible_end(), region.tail());
    const auto filler = read_record_header(medium, region.seed(), offset, region.end());
    ASSERT_TRUE(filler);
    EXPECT_EQ(filler->kind, format::Kind::filler);
    EXPECT_EQ(filler->length(), 80U);
}

TEST_F(RegionTest, CoversWhatIsInFrontOnly)
{
    const std::uint64_t first = reserve(80);
    const std::uint64_t second = reserve(80);
    const std::uint64_t third = reserve(80);
    region.cover_reservations(second, nullptr);
    EXPECT_TRUE(region.reservation(first)->covered);
    EXPECT_FALSE(region.reservation(second)->covered);
    EXPECT_FALSE(region.reservation(third)->covered);
    EXPECT_EQ(region.dirty.begin, first);
    EXPECT_EQ(region.dirty.end, first + 16);
}

TEST_F(RegionTest, GenerationZeroOnceRetired)
{
    EXPECT_EQ(region.generation(), 1U);
    region.retire();
    EXPECT_EQ(region.generation(), 0U);
    EXPECT_EQ(region.writable(8192), Error::no_region);
}

} // namespace
} // namespace pms
