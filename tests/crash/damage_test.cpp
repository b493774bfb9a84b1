// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// Damage: reported or harmless, never a crash, a hang, a silent loss, or a write before validation.

#include "support/crash_points.hpp"
#include "support/sim_stream.hpp"

#include "medium/medium.hpp"
#include "stream/stream.hpp"

#include <algorithm>

namespace pms {
namespace {

constexpr std::size_t map_size = 16 * 1024;

// Two live regions, a freed one between, entries of several sizes, a filler.
SimulatedImage::Bytes live_image(bool cleanly_closed, Content &content)
{
    SimulatedImage image(map_size, Granularity::cache_line);
    SimStream stream(image);
    const auto first = stream.allocate(1000);
    const auto freed = stream.allocate(200);
    const auto second = stream.allocate(600);
    for (const std::size_t size : {0U, 1U, 8U, 100U, 33U}) {
        stream.append(first, std::string(size, 'f'));
        stream.append(freed, std::string(size % 40, 'x'));
        stream.append(second, std::string(size / 2, 's'));
    }
    const auto reserved = stream.reserve(second, 40, std::string(40, 'r'));
    stream.append(second, "behind");
    stream.publish(second, reserved, 10);
    EXPECT_EQ(pmemstream_region_free(stream.get(), freed), 0);
    content = stream.content();
    if (cleanly_closed)
        stream.close();
    else
        stream.abandon();
    return image.killed();
}

// What a reader of a possibly damaged image sees.
struct Look {
    bool refused = false;
    bool reported = false;
    std::uint64_t dropped = 0;
    Content content; // with its data checked
};

Look look_at(const SimulatedImage::Bytes &bytes)
{
    SimulatedImage image(bytes, Granularity::cache_line);
    Look look;
    std::unique_ptr<Stream> opened;
    const Options options{.read_only = true, .check_data = true};
    if (failed(Stream::open(Medium(image), 0, Stream::IfEmpty::refuse, options, opened))) {
        look.refused = true;
        EXPECT_EQ(image.killed(), bytes);
        return look;
    }
    Stream::Verified verified;
    EXPECT_EQ(opened->verify({}, verified), Error::none);
    look.reported = verified.damages != 0 || opened->opening().damages != 0;
    look.dropped = opened->opening().dropped.size();
    auto *handle = reinterpret_cast<pmemstream *>(opened.get());
    pmemstream_region_iterator *regions = nullptr;
    EXPECT_EQ(pmemstream_region_iterator_new(&regions, handle), 0);
    for (pmemstream_region_iterator_seek_first(regions); pmemstream_region_iterator_is_valid(regions) == 0;
         pmemstream_region_iterator_next(regions)) {
        pmemstream_entry_iterator *entries = nullptr;
        EXPECT_EQ(pmemstream_entry_iterator_new(&entries, handle, pmemstream_region_iterator_get(regions)), 0);
        pmemstream_entry_iterator_seek_first(entries);
        for (;;) {
            if (pmemstream_entry_iterator_is_valid(entries) == 0) {
                const auto entry = pmemstream_entry_iterator_get(entries);
                const auto *data = static_cast<const char *>(pmemstream_entry_data(handle, entry));
                EXPECT_NE(data, nullptr);
                look.content[pmemstream_entry_timestamp(handle, entry)] = {data, pmemstream_entry_size(handle, entry)};
                pmemstream_entry_iterator_next(entries);
            } else if (errno == EUCLEAN) {
                look.reported = true;
                EXPECT_EQ(pmemstream_entry_iterator_skip_damage(entries), 0);
            } else {
                break;
            }
        }
        pmemstream_entry_iterator_delete(&entries);
    }
    pmemstream_region_iterator_delete(&regions);
    EXPECT_EQ(image.counts().stores, 0U) << "reading writes nothing";
    EXPECT_EQ(image.killed(), bytes);
    return look;
}

TEST(Damage, EveryFlippedBitOfAClosedImageIsReportedOrHarmless)
{
    Content content;
    SimulatedImage::Bytes bytes = live_image(true, content);
    ASSERT_EQ(look_at(bytes).content, content);
    ASSERT_FALSE(look_at(bytes).reported);
    std::uint64_t reported = 0;
    for (std::size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
        bytes[bit / 8] ^= std::byte{1} << bit % 8;
        const Look look = look_at(bytes);
        if (look.refused || look.reported) {
            ++reported;
            // Everything that is not damaged stays readable: one flip costs one entry, or the entries of one region.
            for (const auto &[timestamp, data] : look.content)
                ASSERT_TRUE(content.contains(timestamp) && content.at(timestamp) == data) << bit;
        } else {
            ASSERT_EQ(look.content, content) << "silently wrong, at bit " << bit % 8 << " of byte " << bit / 8;
        }
        bytes[bit / 8] ^= std::byte{1} << bit % 8;
    }
    EXPECT_GT(reported, 10000U);
}

TEST(Damage, AFlippedBitOfAnEntryCostsThatEntryOnly)
{
    Content content;
    SimulatedImage::Bytes bytes = live_image(true, content);
    SimulatedImage image(bytes, Granularity::cache_line);
    SimStream stream(image);
    for (const auto region : stream.regions()) {
        pmemstream_region_info info{};
        ASSERT_EQ(pmemstream_get_region_info(stream.get(), region, &info, sizeof info), 0);
        for (std::uint64_t offset = info.data_offset; offset < info.end_offset; ++offset) {
            bytes[offset] ^= std::byte{4};
            const Look look = look_at(bytes);
            EXPECT_FALSE(look.refused);
            EXPECT_GE(look.content.size() + 1, content.size()) << offset;
            bytes[offset] ^= std::byte{4};
        }
    }
    stream.abandon();
}

TEST(Damage, AFlippedBitOfAKilledImageIsReportedOrEndsTheLog)
{
    Content content;
    SimulatedImage::Bytes bytes = live_image(false, content);
    for (std::size_t bit = 0; bit < 8 * bytes.size(); bit += 3) {
        bytes[bit / 8] ^= std::byte{1} << bit % 8;
        const Look look = look_at(bytes);
        for (const auto &[timestamp, data] : look.content)
            ASSERT_TRUE(content.contains(timestamp) && content.at(timestamp) == data) << bit;
        if (!look.refused && !look.reported && look.content.size() < content.size()) {
            EXPECT_LE(content.size() - look.content.size(), look.dropped + 1)
                << bit << ": all but the damaged one are named";
        }
        bytes[bit / 8] ^= std::byte{1} << bit % 8;
    }
}

TEST(Damage, AWriterOpensWhatIsDamagedInItsDataAndRefusesDamagedMetadata)
{
    Content content;
    const SimulatedImage::Bytes bytes = live_image(true, content);
    std::uint64_t refused = 0;
    for (std::size_t byte = 0; byte < bytes.size(); ++byte) {
        SimulatedImage::Bytes changed = bytes;
        changed[byte] ^= std::byte{0x10};
        SimulatedImage image(changed, Granularity::cache_line);
        pmemstream *stream = nullptr;
        if (pmemstream_from_map(&stream, 64, image.map()) == 0) {
            pmemstream_delete(&stream);
            continue;
        }
        ++refused;
        EXPECT_TRUE(errno == EUCLEAN || errno == EMEDIUMTYPE || errno == ENOTSUP) << byte;
        EXPECT_EQ(image.killed(), changed) << "written before it was validated";
    }
    EXPECT_GT(refused, 100U);
}

TEST(Damage, EveryTruncatedLengthIsRefused)
{
    Content content;
    const SimulatedImage::Bytes bytes = live_image(true, content);
    for (std::size_t length = 8; length < bytes.size(); length += 8) {
        SimulatedImage image(SimulatedImage::Bytes(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(length)),
                             Granularity::cache_line);
        pmemstream *stream = nullptr;
        EXPECT_EQ(pmemstream_from_map(&stream, 64, image.map()), -1) << length;
        EXPECT_EQ(image.counts().stores, 0U) << length;
    }
}

TEST(Damage, ABlockPutBackFromAnOlderStateIsReportedOrHarmless)
{
    SimulatedImage image(map_size, Granularity::cache_line);
    std::vector<SimulatedImage::Bytes> older;
    Content content;
    for (int life = 0; life < 4; ++life) {
        SimStream stream(image);
        if (life == 2) {
            EXPECT_EQ(pmemstream_region_free(stream.get(), stream.regions()[0]), 0);
        }
        const auto region = stream.allocate(500);
        for (int i = 0; i < 3; ++i)
            stream.append(region, "life " + std::to_string(life));
        for (const auto other : stream.regions())
            stream.append(other, "later " + std::to_string(life));
        content = stream.content();
        stream.close();
        older.push_back(image.killed());
    }
    const SimulatedImage::Bytes newest = older.back();
    older.pop_back();
    std::uint64_t reported = 0;
    for (const SimulatedImage::Bytes &old : older) {
        for (const std::size_t block : {64U, 512U, 4096U}) {
            for (std::size_t offset = 0; offset < newest.size(); offset += block) {
                SimulatedImage::Bytes mixed = newest;
                std::copy_n(old.begin() + static_cast<std::ptrdiff_t>(offset), block,
                            mixed.begin() + static_cast<std::ptrdiff_t>(offset));
                const Look look = look_at(mixed);
                if (look.refused || look.reported)
                    ++reported;
                else
                    EXPECT_EQ(look.content, content) << block << " bytes at " << offset;
            }
        }
    }
    EXPECT_GT(reported, 20U);
}

TEST(Damage, SwappedBlocksAreReportedOrHarmless)
{
    Content content;
    const SimulatedImage::Bytes bytes = live_image(true, content);
    for (std::size_t a = 0; a < bytes.size(); a += 64) {
        for (const std::size_t distance : {64U, 128U, 4096U}) {
            if (a + distance + 64 > bytes.size())
                continue;
            SimulatedImage::Bytes swapped = bytes;
            std::swap_ranges(swapped.begin() + static_cast<std::ptrdiff_t>(a),
                             swapped.begin() + static_cast<std::ptrdiff_t>(a) + 64,
                             swapped.begin() + static_cast<std::ptrdiff_t>(a + distance));
            const Look look = look_at(swapped);
            if (!look.refused && !look.reported) {
                EXPECT_EQ(look.content, content) << a << ' ' << distance;
            }
        }
    }
}

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

void expect_refused(const SimulatedImage::Bytes &bytes)
{
    SimulatedImage image(bytes, Granularity::cache_line);
    pmemstream *refused = nullptr;
    EXPECT_EQ(pmemstream_from_map(&refused, 64, image.map()), -1);
    EXPECT_EQ(errno, EUCLEAN);
    EXPECT_EQ(image.killed(), bytes);
    EXPECT_TRUE(look_at(bytes).reported);
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
    expect_refused(bytes);
    EXPECT_EQ(look_at(bytes).content.size(), 2U);
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
    expect_refused(with_word_of(image.killed(), earlier, first.offset + offsetof(format::RegionHeader, checkpoint)));
}

} // namespace
} // namespace pms
