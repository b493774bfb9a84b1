// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// What a hostile image tells of spans and regions, with checks that hold.

#include "region/span_walk.hpp"

#include <gtest/gtest.h>

namespace pms {
namespace {

class SpanWalkTest : public testing::Test {
protected:
    static constexpr std::uint64_t map_size = 32 * 1024;
    static constexpr std::uint64_t block_size = 64;
    static constexpr std::uint64_t region_size = 1024;

    SpanWalkTest() : image(map_size, Granularity::cache_line), medium(image)
    {
        EXPECT_EQ(format::plan(map_size, block_size, {1, 2, 3}, geometry), Error::none);
        offset = geometry.metadata_size;
        write_span({format::SpanKind::region, region_size});
        // A region with nothing wrong.
        write_word(offsetof(format::RegionHeader, limit), 512);
        write_word(offsetof(format::RegionHeader, checkpoint), 256);
        write_word(offsetof(format::RegionHeader, hole_begin), 0);
        write_word(offsetof(format::RegionHeader, hole_end), 0);
    }

    std::uint64_t seed_at(std::uint64_t place) const { return format::word_seed(geometry.stream_seed, place); }
    void write_span(const format::Span &span) { medium.store(offset, format::encode_span(span, seed_at(offset))); }
    void write_word(std::size_t field, std::uint64_t value)
    {
        medium.store(offset + field, format::OffsetWord::encode(value, seed_at(offset + field)));
    }
    RegionReading read() const { return read_region(medium, geometry, offset, region_size); }

    SimulatedImage image;
    Medium medium;
    format::Geometry geometry;
    std::uint64_t offset = 0;
};

TEST_F(SpanWalkTest, WordsThatLieInTheRegionAreBelieved)
{
    const RegionReading region = read();
    EXPECT_EQ(region.limit, offset + 512);
    EXPECT_EQ(region.checkpoint, offset + 256);
    EXPECT_EQ(region.hole_begin, 0U);
    EXPECT_EQ(region.hole_end, 0U);
}

TEST_F(SpanWalkTest, OffsetsThatCannotBeAreNot)
{
    for (const std::uint64_t value : {std::uint64_t{8}, std::uint64_t{56}, std::uint64_t{260}, region_size + 8,
                                      std::uint64_t{format::OffsetWord::max}}) {
        write_word(offsetof(format::RegionHeader, limit), value);
        write_word(offsetof(format::RegionHeader, checkpoint), value);
        write_word(offsetof(format::RegionHeader, hole_begin), value);
        write_word(offsetof(format::RegionHeader, hole_end), value);
        const RegionReading region = read();
        EXPECT_FALSE(region.limit) << value;
        EXPECT_FALSE(region.checkpoint) << value;
        EXPECT_FALSE(region.hole_begin) << value;
        EXPECT_FALSE(region.hole_end) << value;
    }
    write_word(offsetof(format::RegionHeader, limit), 0);
    EXPECT_FALSE(read().limit) << "a region always has a limit";
}

TEST_F(SpanWalkTest, ACheckpointLiesBeforeTheLimit)
{
    for (const std::uint64_t checkpoint : {512U, 520U, 1024U}) {
        write_word(offsetof(format::RegionHeader, checkpoint), checkpoint);
        EXPECT_FALSE(read().checkpoint) << checkpoint;
    }
    write_word(offsetof(format::RegionHeader, checkpoint), 504);
    EXPECT_EQ(read().checkpoint, offset + 504);
}

TEST_F(SpanWalkTest, ASpanIsOfAKnownKindAndEndsInTheStream)
{
    EXPECT_EQ(walk_spans(medium, geometry).regions.size(), 1U);
    const std::uint64_t all = geometry.spans_end() - offset;
    for (const format::Span span : {format::Span{format::SpanKind::region, 0},
                                    {format::SpanKind::free, all + block_size},
                                    {static_cast<format::SpanKind>(0), all},
                                    {static_cast<format::SpanKind>(3), all}}) {
        write_span(span);
        const Tiling tiling = walk_spans(medium, geometry);
        ASSERT_EQ(tiling.damaged.size(), 1U);
        EXPECT_EQ(tiling.damaged[0].offset, offset);
        EXPECT_EQ(tiling.damaged[0].size, all);
        EXPECT_TRUE(tiling.regions.empty() && tiling.free_spans.empty());
    }
    write_span({format::SpanKind::free, all});
    EXPECT_EQ(walk_spans(medium, geometry).free_spans.size(), 1U);

    // Not of whole blocks, where these are larger than what a word counts in.
    ASSERT_EQ(format::plan(map_size, 4096, {1, 2, 3}, geometry), Error::none);
    write_span({format::SpanKind::free, 4096 + 64});
    EXPECT_FALSE(walk_spans(medium, geometry).damaged.empty());
}

} // namespace
} // namespace pms
