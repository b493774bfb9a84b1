// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// Damage at chosen places. Everywhere: tests/damage/.

#include "support/crash_points.hpp"
#include "support/sim_stream.hpp"

#include "medium/medium.hpp"
#include "stream/stream.hpp"

#include <algorithm>

namespace pms {
namespace {

// Damage in front of what is known durable: the rest stays, nothing is zeroed, the log goes on.
SimulatedImage::Bytes with_flipped_bit(const SimulatedImage &image, std::uint64_t offset)
{
    SimulatedImage::Bytes bytes = image.killed();
    bytes[offset] ^= std::byte{1};
    return bytes;
}

// Beside its one damage: appends with that timestamp, closes, and has it all after the next open.
void expect_to_go_on(const SimulatedImage &image, SimStream &stream, pmemstream_region region, std::uint64_t timestamp)
{
    const auto next = stream.append(region, "goes on");
    EXPECT_EQ(pmemstream_entry_timestamp(stream.get(), next), timestamp);
    stream.close();
    SimulatedImage again(image.power_cut_losing_all(), Granularity::cache_line);
    SimStream later(again);
    EXPECT_EQ(later.data(next), "goes on");
    EXPECT_EQ(later.damages().size(), 1U);
}

// What the durable timestamp covers lies in front of the checkpoints, in whatever region: after a kill, too, damage
// there is told from a torn tail, ends no log, and is never written over.
TEST(Damage, OfWhatIsKnownDurableIsReportedAndLeftAsItIs)
{
    SimulatedImage image(256 * 1024, Granularity::cache_line);
    SimStream stream(image);
    const auto region = stream.allocate(8000);
    const auto other = stream.allocate(8000);
    const auto freed = stream.allocate(8000);
    std::vector<pmemstream_entry> entries;
    for (int i = 0; i < 3; ++i)
        entries.push_back(stream.append(region, "entry " + std::to_string(i)));
    stream.append(other, "other");
    // Raises the durable timestamp.
    EXPECT_EQ(pmemstream_region_free(stream.get(), freed), 0);
    for (int i = 3; i < 6; ++i)
        entries.push_back(stream.append(i == 4 ? other : region, "entry " + std::to_string(i)));
    stream.abandon();

    // In the middle, the last one of its region that is covered, in data and in a header.
    for (const std::uint64_t place : {entries[1].offset + 16, entries[2].offset + 16, entries[2].offset + 12}) {
        const SimulatedImage::Bytes bytes = with_flipped_bit(image, place);
        SimulatedImage after(bytes, Granularity::cache_line);
        SimStream reopened(after);
        EXPECT_EQ(reopened.persisted(), 7U) << place;
        EXPECT_EQ(reopened.info().dropped_entries, 0U);
        EXPECT_EQ(reopened.damages().size(), 1U) << place;
        EXPECT_EQ(after.cache()[place], bytes[place]) << "left as it is";
        for (int i = 3; i < 6; ++i)
            EXPECT_EQ(reopened.data(entries[i]), "entry " + std::to_string(i));
        expect_to_go_on(after, reopened, region, 8);
    }
}

// The same as it comes about by appending alone.
TEST(Damage, TheCheckpointsOfIdleRegionsFollowToo)
{
    SimulatedImage image(4 << 20, Granularity::cache_line);
    SimStream stream(image);
    const auto idle = stream.allocate(8000);
    const auto busy = stream.allocate(2 << 20);
    stream.append(idle, "first");
    const auto last = stream.append(idle, "last");
    for (int i = 0; i < 100; ++i)
        stream.append(busy, std::string(7000, 'b'));
    stream.abandon();
    SimulatedImage after(with_flipped_bit(image, last.offset + 16), Granularity::cache_line);
    SimStream reopened(after);
    EXPECT_EQ(reopened.persisted(), 102U);
    EXPECT_EQ(reopened.damages().size(), 1U);
}

// Behind an open reservation no checkpoint is moved; there whole entries that are known durable prove the damage in
// front of them, and what comes behind the damage is kept.
TEST(Damage, BehindAnOpenReservationIsToldByWhatFollows)
{
    SimulatedImage image(256 * 1024, Granularity::cache_line);
    SimStream stream(image);
    const auto region = stream.allocate(8000);
    const auto freed = stream.allocate(8000);
    stream.reserve(region, 16, "never published");
    std::vector<pmemstream_entry> entries;
    for (int i = 0; i < 5; ++i)
        entries.push_back(stream.append(region, "entry " + std::to_string(i)));
    EXPECT_EQ(pmemstream_region_free(stream.get(), freed), 0);
    for (int i = 5; i < 10; ++i)
        entries.push_back(stream.append(region, "entry " + std::to_string(i)));
    stream.abandon();
    const SimulatedImage::Bytes bytes = with_flipped_bit(image, entries[2].offset + 16);

    SimulatedImage after(bytes, Granularity::cache_line);
    SimStream reopened(after);
    EXPECT_EQ(reopened.persisted(), 10U);
    EXPECT_EQ(reopened.info().dropped_entries, 0U);
    EXPECT_EQ(reopened.info().damage_count, 1U);
    for (int i = 3; i < 10; ++i)
        EXPECT_EQ(reopened.data(entries[i]), "entry " + std::to_string(i));
    EXPECT_EQ(after.cache()[entries[2].offset + 16], bytes[entries[2].offset + 16]) << "left as it is";
    EXPECT_EQ(reopened.damages().size(), 1U);
    expect_to_go_on(after, reopened, region, 11);
}

// No allocation leads there. Were the number after the last one written, the word would not be valid.
TEST(Damage, BehindTheLastGenerationNoRegionIsAllocated)
{
    SimulatedImage image(256 * 1024, Granularity::cache_line);
    Content content;
    {
        SimStream stream(image);
        stream.append(stream.allocate(100), "an entry");
        content = stream.content();
        stream.abandon();
    }
    image.revive();
    Medium medium(image);
    format::SuperblockReading reading;
    ASSERT_EQ(format::read_superblocks(image.cache(), image.size(), reading), Error::none);
    Flush flush(medium);
    write_next_generation(medium, reading.geometry, format::OffsetWord::max, flush);
    {
        SimStream stream(image);
        pmemstream_region region{UINT64_MAX};
        EXPECT_EQ(pmemstream_region_allocate(stream.get(), 64, &region), -1);
        EXPECT_EQ(errno, EOVERFLOW);
        EXPECT_EQ(region.offset, UINT64_MAX);
    }
    EXPECT_EQ(SimStream(image).content(), content);
}

// The last entry there, with nothing behind it that would prove the damage: the hole words tell how far everything is
// known durable.
TEST(Damage, OfTheLastEntryBehindAnOpenReservationIsReportedAndLeftAsItIs)
{
    for (const Granularity granularity : all_granularities) {
        SimulatedImage image(256 * 1024, granularity);
        SimStream stream(image);
        const auto region = stream.allocate(8000);
        const auto freed = stream.allocate(8000);
        const auto open = stream.reserve(region, 16, "published later");
        stream.append(region, "first");
        const auto last = stream.append(region, "last");
        EXPECT_EQ(pmemstream_region_free(stream.get(), freed), 0);
        const SimulatedImage::Bytes reserved = with_flipped_bit(image, last.offset + 16);
        stream.publish(region, open, 15);
        stream.abandon();

        for (const SimulatedImage::Bytes &bytes : {reserved, with_flipped_bit(image, last.offset + 16)}) {
            SimulatedImage after(bytes, granularity);
            SimStream reopened(after);
            EXPECT_EQ(reopened.info().dropped_entries, 0U);
            EXPECT_EQ(reopened.damages().size(), 1U);
            EXPECT_EQ(after.cache()[last.offset + 16], bytes[last.offset + 16]) << "left as it is";
            // As the checkpoint's record it leaves no room behind itself.
            if (bytes == reserved)
                expect_to_go_on(after, reopened, region, 3);
        }
    }
}

SimulatedImage::Bytes with_word_of(SimulatedImage::Bytes bytes, const SimulatedImage::Bytes &older,
                                   std::uint64_t offset)
{
    std::copy_n(older.begin() + static_cast<std::ptrdiff_t>(offset), 8,
                bytes.begin() + static_cast<std::ptrdiff_t>(offset));
    return bytes;
}

// A reader is told, and finds that many entries.
void expect_refused(const SimulatedImage::Bytes &bytes, std::uint64_t entries)
{
    SimulatedImage image(bytes, Granularity::cache_line);
    pmemstream *refused = nullptr;
    EXPECT_EQ(pmemstream_from_map(&refused, 64, image.map()), -1);
    EXPECT_EQ(errno, EUCLEAN);
    std::unique_ptr<Stream> reader;
    ASSERT_EQ(Stream::open(Medium(image), 0, Stream::IfEmpty::refuse, {.read_only = true}, reader), Error::none);
    EXPECT_GE(reader->opening().damages, 1U);
    Stream::Verified verified;
    EXPECT_EQ(reader->verify({}, verified), Error::none);
    EXPECT_EQ(verified.entries, entries);
    EXPECT_EQ(image.counts().stores, 0U);
    EXPECT_EQ(image.killed(), bytes);
}

// No crash leaves a limit with whole records behind it.
TEST(Damage, ALimitOlderThanTheRecordsBehindItIsRefused)
{
    SimulatedImage image(256 * 1024, Granularity::cache_line);
    pmemstream_region region{};
    SimulatedImage::Bytes closed;
    {
        SimStream stream(image);
        region = stream.allocate(8000);
        stream.append(region, "in front of the limit");
        stream.close();
        closed = image.killed();
    }
    SimStream stream(image);
    stream.append(region, "behind it");
    stream.abandon();
    const SimulatedImage::Bytes bytes =
        with_word_of(image.killed(), closed, region.offset + offsetof(format::RegionHeader, limit));
    expect_refused(bytes, 2);
}

// Nor a checkpoint with timestamps in front of it that are not known durable.
TEST(Damage, ACheckpointOfAnEarlierLifeIsRefused)
{
    SimulatedImage image(256 * 1024, Granularity::cache_line);
    SimStream stream(image);
    const auto first = stream.allocate(8000);
    const auto freed = stream.allocate(8000);
    for (int i = 0; i < 20; ++i)
        stream.append(first, "first life");
    EXPECT_EQ(pmemstream_region_free(stream.get(), freed), 0);
    const SimulatedImage::Bytes earlier = image.killed();
    EXPECT_EQ(pmemstream_region_free(stream.get(), first), 0);
    EXPECT_EQ(stream.allocate(8000).offset, first.offset);
    stream.append(first, "second life");
    stream.abandon();
    expect_refused(with_word_of(image.killed(), earlier, first.offset + offsetof(format::RegionHeader, checkpoint)), 0);
}

} // namespace
} // namespace pms
