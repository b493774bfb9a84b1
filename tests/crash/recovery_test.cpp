// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// What recovery decides, row by row of the table in docs/crash_consistency.md.

#include "support/crash_points.hpp"
#include "support/sim_stream.hpp"

#include "format/record.hpp"
#include "format/superblock.hpp"
#include "medium/medium.hpp"
#include "region/span_walk.hpp"
#include "stream/stream.hpp"

namespace pms {
namespace {

class Recovery : public testing::TestWithParam<Granularity> {
protected:
    // Recovered content is a prefix that holds everything acknowledged; recovering again, and cutting the power right
    // after recovery, change nothing.
    void check_prefix(const CrashState &state, const std::vector<std::string> &submitted)
    {
        SCOPED_TRACE(state.how);
        SimulatedImage after(state.bytes, GetParam());
        Content first;
        {
            SimStream stream(after);
            ASSERT_NE(stream.get(), nullptr);
            first = stream.content();
            const std::uint64_t end = stream.persisted();
            EXPECT_GE(end, state.acknowledged);
            ASSERT_LE(end, submitted.size());
            ASSERT_EQ(first.size(), end) << "a hole";
            for (const auto &[timestamp, data] : first)
                EXPECT_EQ(data, submitted[timestamp - 1]);
            EXPECT_TRUE(stream.damages().empty());
            stream.abandon();
        }
        SimulatedImage cut(after.power_cut_losing_all(), GetParam());
        SimStream again(cut);
        ASSERT_NE(again.get(), nullptr);
        EXPECT_EQ(again.content(), first) << "reported, and lost in a power cut right after";
    }
};
INSTANTIATE_TEST_SUITE_P(Media, Recovery, testing::ValuesIn(all_granularities),
                         [](const auto &info) { return to_string(info.param); });

TEST_P(Recovery, AtEachFenceOfARunOverTwoRegions)
{
    SimulatedImage image(512 * 1024, GetParam());
    SimStream stream(image);
    const pmemstream_region regions[] = {stream.allocate(90000), stream.allocate(90000)};
    std::vector<std::string> submitted;
    CrashPoints crashes(image, 3, 2);
    for (int i = 0; i < 24; ++i) {
        const std::string data(static_cast<std::size_t>(i) * 997 % 9000, static_cast<char>('a' + i));
        submitted.push_back(data);
        if (i % 4 == 3) {
            stream.async_append(regions[i % 2], data);
        } else {
            stream.append(regions[i % 3 == 0], data);
            crashes.acknowledged = submitted.size();
        }
    }
    stream.close();
    ASSERT_GT(crashes.states.size(), 100U);
    for (const CrashState &state : crashes.states)
        check_prefix(state, submitted);
}

TEST_P(Recovery, CrashesInsideRecoveryChangeNothing)
{
    SimulatedImage image(256 * 1024, GetParam());
    SimStream stream(image);
    const pmemstream_region regions[] = {stream.allocate(20000), stream.allocate(20000)};
    std::vector<std::string> submitted;
    for (int i = 0; i < 12; ++i) {
        submitted.push_back(std::string(100 + i, static_cast<char>('a' + i)));
        if (i < 8)
            stream.append(regions[i % 2], submitted.back());
        else
            stream.async_append(regions[i % 2], submitted.back());
    }
    std::mt19937_64 random(3);
    for (int sample = 0; sample < 20; ++sample) {
        SimulatedImage crashed(image.power_cut(random), GetParam());
        CrashPoints crashes(crashed, 2, static_cast<std::uint64_t>(sample));
        crashes.acknowledged = 8;
        Content whole;
        {
            SimStream recovered(crashed);
            whole = recovered.content();
            recovered.abandon();
        }
        for (const CrashState &state : crashes.states) {
            check_prefix(state, submitted);
            SimulatedImage second(state.bytes, GetParam());
            EXPECT_EQ(SimStream(second).content(), whole) << state.how;
        }
    }
}

TEST_P(Recovery, WhatReopeningAfterAKillReportedSurvivesAPowerCutRightAfter)
{
    SimulatedImage image(256 * 1024, GetParam());
    SimStream stream(image);
    const auto region = stream.allocate(30000);
    for (int i = 0; i < 10; ++i)
        stream.append(region, "durable " + std::to_string(i));
    for (int i = 0; i < 10; ++i)
        stream.async_append(region, "in the caches " + std::to_string(i));
    const auto other = stream.allocate(1000);
    stream.async_append(other, "in a new region");
    stream.abandon(); // kill -9: the caches stay
    image.revive();

    SimStream reopened(image);
    EXPECT_EQ(reopened.persisted(), 21U);
    const Content reported = reopened.content();
    EXPECT_EQ(reported.size(), 21U);
    EXPECT_EQ(reopened.info().recovered_entries, 21U);
    reopened.abandon();

    SimulatedImage cut(image.power_cut_losing_all(), GetParam());
    SimStream after(cut);
    EXPECT_EQ(after.content(), reported);
}

TEST_P(Recovery, LostEntriesStayLostWhenTheirTimestampsComeRoundAgain)
{
    SimulatedImage image(256 * 1024, GetParam());
    SimulatedImage::Bytes bytes;
    {
        SimStream stream(image);
        const auto first = stream.allocate(8000);
        const auto second = stream.allocate(8000);
        stream.append(first, "kept 1");
        stream.append(second, "kept 2");
        stream.async_append(first, "lost 3");  // its region's lines are lost ...
        stream.async_append(second, "lost 4"); // ... this one's are there
        stream.async_append(second, "lost 5");
        const SimulatedImage::Bytes all = image.killed();
        bytes = image.power_cut_losing_all();
        std::copy_n(all.begin() + static_cast<std::ptrdiff_t>(second.offset), 8064,
                    bytes.begin() + static_cast<std::ptrdiff_t>(second.offset));
        stream.abandon();
    }
    const Content kept = {{1, "kept 1"}, {2, "kept 2"}};
    SimulatedImage after(bytes, GetParam());
    {
        SimStream stream(after);
        EXPECT_EQ(stream.content(), kept);
        EXPECT_EQ(stream.info().dropped_entries, 2U);
        pmemstream_dropped_entry dropped{};
        ASSERT_EQ(pmemstream_get_dropped_entry(stream.get(), 0, &dropped), 0);
        EXPECT_EQ(dropped.timestamp, 4U);
        ASSERT_EQ(pmemstream_get_dropped_entry(stream.get(), 1, &dropped), 0);
        EXPECT_EQ(dropped.timestamp, 5U);
        EXPECT_EQ(pmemstream_get_dropped_entry(stream.get(), 2, &dropped), -1);
        // The same timestamps, given to others.
        const auto regions = stream.regions();
        for (const char *data : {"new 3", "new 4", "new 5"})
            stream.append(regions[0], data);
        stream.abandon();
    }
    SimulatedImage again(after.power_cut_losing_all(), GetParam());
    SimStream stream(again);
    Content expected = kept;
    expected.insert({{3, "new 3"}, {4, "new 4"}, {5, "new 5"}});
    EXPECT_EQ(stream.content(), expected);
}

// Freed and allocated again at the same place, with entries of the same sizes at the same offsets, and with the same
// timestamps as those of a crashed life: nothing of an earlier life shows.
TEST_P(Recovery, StaleBytesOfAnEarlierLifeNeverShow)
{
    SimulatedImage image(64 * 1024, GetParam());
    const std::string old_data(200, 'o');
    SimulatedImage::Bytes bytes;
    {
        SimStream stream(image);
        const auto region = stream.allocate(4000);
        for (int i = 0; i < 15; ++i)
            stream.async_append(region, old_data);
        EXPECT_EQ(stream.wait_persisted(15), 0);
        EXPECT_EQ(pmemstream_region_free(stream.get(), region), 0);
        const auto reused = stream.allocate(4000);
        EXPECT_EQ(reused.offset, region.offset);
        EXPECT_TRUE(stream.entries(reused).empty());
        stream.append(reused, std::string(200, 'n'));
        EXPECT_EQ(stream.entries(reused), std::vector<std::string>{std::string(200, 'n')});
        stream.abandon();
    }
    for (const SimulatedImage::Bytes &left : {image.killed(), image.power_cut_losing_all()}) {
        SimulatedImage after(left, GetParam());
        SimStream stream(after);
        EXPECT_EQ(stream.content(), (Content{{16, std::string(200, 'n')}}));
        EXPECT_EQ(stream.info().dropped_entries, 0U);
        EXPECT_TRUE(stream.damages().empty());
    }
}

TEST_P(Recovery, ABatchThatDoesNotEndIsNotThere)
{
    SimulatedImage image(64 * 1024, GetParam());
    pmemstream_region region{};
    {
        SimStream stream(image);
        region = stream.allocate(4000);
        stream.append(region, "before");
        stream.abandon();
    }
    // What a later version writes: members, each of which says that its batch goes on with the next timestamp.
    SimulatedImage::Bytes bytes = image.killed();
    const auto craft = [&](bool with_end) {
        SimulatedImage crafted(bytes, GetParam());
        Medium medium(crafted);
        format::SuperblockReading superblocks;
        EXPECT_EQ(format::read_superblocks(medium.at(0), medium.size(), superblocks), Error::none);
        const RegionReading reading = read_region(medium, superblocks.geometry, region.offset, 4096);
        std::uint64_t offset = reading.data_begin() + 24;
        const auto write = [&](format::Kind kind, const std::string &data, std::uint64_t timestamp) {
            format::Record record{.kind = kind, .size = data.size(), .timestamp = timestamp};
            record.checksum = format::record_checksum(record, format::data_hash(data.data(), data.size(), reading.seed),
                                                      reading.seed, offset);
            const format::RecordHeader header = format::encode(record);
            medium.copy(offset, &header, sizeof header);
            medium.copy(offset + 16, data.data(), data.size());
            offset += record.length();
        };
        write(format::Kind::member, "member", 2);
        write(format::Kind::member, "member", 3);
        if (with_end)
            write(format::Kind::entry, "end", 4);
        SimulatedImage after(crafted.killed(), GetParam());
        return SimStream(after).content();
    };
    EXPECT_EQ(craft(false), (Content{{1, "before"}}));
    EXPECT_EQ(craft(true), (Content{{1, "before"}, {2, "member"}, {3, "member"}, {4, "end"}}));
}

TEST_P(Recovery, NumberingGoesOnBehindWhatWasFreed)
{
    SimulatedImage image(64 * 1024, GetParam());
    {
        SimStream stream(image);
        const auto region = stream.allocate(4000);
        for (int i = 0; i < 5; ++i)
            stream.append(region, "freed");
        EXPECT_EQ(pmemstream_region_free(stream.get(), region), 0);
        stream.abandon();
    }
    SimulatedImage after(image.power_cut_losing_all(), GetParam());
    SimStream stream(after);
    EXPECT_EQ(stream.persisted(), 5U);
    const auto entry = stream.append(stream.allocate(100), "next");
    EXPECT_EQ(pmemstream_entry_timestamp(stream.get(), entry), 6U);
}

TEST_P(Recovery, ACleanStreamIsRecoveredFromItsMarkAlone)
{
    SimulatedImage image(64 * 1024, GetParam());
    {
        SimStream stream(image);
        const auto region = stream.allocate(4000);
        stream.append(region, "one");
        stream.async_append(region, "two");
        void *data = nullptr;
        pmemstream_entry entry{};
        EXPECT_EQ(pmemstream_reserve(stream.get(), region, nullptr, 100, &entry, &data), 0);
        std::memset(data, 'x', 100);
    }
    SimulatedImage after(image.power_cut_losing_all(), GetParam());
    SimStream stream(after);
    EXPECT_TRUE(stream.info().was_clean);
    EXPECT_EQ(stream.content(), (Content{{1, "one"}, {2, "two"}}));
    pmemstream_region_info info{};
    ASSERT_EQ(pmemstream_get_region_info(stream.get(), stream.regions()[0], &info, sizeof info), 0);
    EXPECT_EQ(info.limit_offset, info.end_offset) << "no open step";
    // What the reservation's owner wrote is gone.
    for (std::uint64_t offset = info.end_offset; offset < info.end_offset + 116; ++offset)
        EXPECT_EQ(after.cache()[offset], std::byte{0});
}

// A stream near the end of its timestamps: what is there stays, nothing new gets in.
TEST(Timestamps, TheLastOnesAreNotHandedOut)
{
    SimulatedImage first(1 << 17, Granularity::cache_line);
    std::uint64_t reserved_offset = 0;
    pmemstream_region region{};
    SimulatedImage::Bytes bytes;
    {
        SimStream stream(first);
        region = stream.allocate(1000);
        stream.append(region, "one");
        stream.abandon();
        bytes = first.killed();
    }
    format::Superblock superblock;
    std::memcpy(&superblock, bytes.data(), sizeof superblock);
    const std::uint64_t seed = hash(superblock.uuid, sizeof superblock.uuid, 0);
    // As if so many had been appended, and freed.
    for (int copy = 0; copy < format::copies; ++copy) {
        const std::uint64_t offset = format::durable_timestamp_offset(copy);
        const std::uint64_t word =
            format::TimestampWord::encode(format::max_timestamp - 1000, format::word_seed(seed, offset));
        std::memcpy(bytes.data() + offset, &word, sizeof word);
    }
    SimulatedImage image(bytes, Granularity::cache_line);
    SimStream stream(image);
    EXPECT_EQ(stream.persisted(), format::max_timestamp - 1000);
    const auto fails = [](int result) { return result == -1 && errno == EOVERFLOW; };
    EXPECT_TRUE(fails(pmemstream_append(stream.get(), region, nullptr, "x", 1, nullptr)));
    EXPECT_TRUE(fails(pmemstream_async_append(stream.get(), nullptr, region, nullptr, "x", 1, nullptr)));
    const pmemstream_entry reserved = stream.reserve(region, 8, "reserved");
    reserved_offset = reserved.offset;
    EXPECT_TRUE(fails(pmemstream_publish(stream.get(), region, nullptr, {reserved_offset}, 8)));
    EXPECT_TRUE(fails(pmemstream_async_publish(stream.get(), region, nullptr, {reserved_offset}, 8)));
    EXPECT_EQ(stream.content(), (Content{{1, "one"}}));
    EXPECT_TRUE(stream.damages().empty());
}

// A feature that a writer must know is one for a reader to pass over.
TEST(Features, AWriterIsRefusedByOneThatItDoesNotKnow)
{
    SimulatedImage first(1 << 17, Granularity::cache_line);
    SimStream(first).close();
    SimulatedImage::Bytes bytes = first.killed();
    for (int copy = 0; copy < format::copies; ++copy) {
        format::Superblock superblock;
        std::byte *place = bytes.data() + format::superblock_offset(copy);
        std::memcpy(&superblock, place, sizeof superblock);
        superblock.features_may_read = 1;
        superblock.checksum =
            hash(&superblock, offsetof(format::Superblock, checksum), format::superblock_offset(copy));
        std::memcpy(place, &superblock, sizeof superblock);
    }
    SimulatedImage image(bytes, Granularity::cache_line);
    pmemstream *stream = nullptr;
    EXPECT_EQ(pmemstream_from_map(&stream, 64, image.map()), -1);
    EXPECT_EQ(errno, ENOTSUP);
    EXPECT_EQ(image.killed(), bytes);
    std::unique_ptr<Stream> reader;
    EXPECT_EQ(Stream::open(Medium(image), 0, Stream::IfEmpty::refuse, {.read_only = true}, reader), Error::none);
}

} // namespace
} // namespace pms
