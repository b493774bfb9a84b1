// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// Which bytes operations write.

#include "support/crash_points.hpp"
#include "support/sim_stream.hpp"

namespace pms {
namespace {

// For every region size and fill: an entry that fills its region to the last byte touches nothing outside its record.
TEST(Footprint, AnEntryThatExactlyFillsItsRegionTouchesNothingOutside)
{
    for (const Granularity granularity : all_granularities) {
        for (std::size_t size = 64; size <= 1024; size += 64) {
            for (std::size_t fill = 0; fill + 16 <= size; fill += 8) {
                SimulatedImage image(32 * 1024, granularity);
                SimStream stream(image);
                const auto region = stream.allocate(size);
                const auto neighbour = stream.allocate(64);
                stream.append(neighbour, std::string(48, 'n'));
                if (fill >= 16)
                    stream.append(region, std::string(fill - 16, 'f'));
                const std::size_t left = pmemstream_region_usable_size(stream.get(), region);
                // Moves the limit to the region's end beforehand: its word in the header is the one other thing an
                // append may write.
                const auto probe = stream.reserve(region, left - 16, "");
                SimulatedImage::Bytes before = image.killed();
                image.reset_footprint();
                stream.publish(region, probe, left - 16);
                EXPECT_EQ(pmemstream_region_usable_size(stream.get(), region), 0U);
                const std::uint64_t begin = probe.offset;
                for (const auto &[from, to] : image.footprint()) {
                    EXPECT_GE(from, begin) << size << ' ' << fill;
                    EXPECT_LE(to, begin + left) << size << ' ' << fill;
                }
                EXPECT_EQ(stream.entries(neighbour), std::vector<std::string>{std::string(48, 'n')});
                pmemstream_entry none{};
                EXPECT_EQ(pmemstream_append(stream.get(), region, nullptr, nullptr, 0, &none), -1);
                EXPECT_EQ(errno, ENOSPC);
                EXPECT_TRUE(stream.damages().empty());
            }
        }
    }
}

TEST(Footprint, AnAppendWritesItsRecordAndAtMostItsRegionsHeader)
{
    for (const Granularity granularity : all_granularities) {
        for (std::size_t size = 0; size <= 5000; size += 7) {
            SimulatedImage image(64 * 1024, granularity);
            SimStream stream(image);
            stream.allocate(64);
            const auto region = stream.allocate(16 + (size + 7) / 8 * 8);
            image.reset_footprint();
            const auto entry = stream.append(region, std::string(size, 'x'));
            const std::uint64_t end = entry.offset + 16 + (size + 7) / 8 * 8;
            for (const auto &[from, to] : image.footprint()) {
                const bool in_record = from >= entry.offset && to <= end;
                const bool in_header = from >= region.offset && to <= region.offset + 64;
                EXPECT_TRUE(in_record || in_header) << size << ": " << from << " to " << to;
            }
        }
    }
}

TEST(Footprint, ReadingOnlyWritesNothing)
{
    for (const Granularity granularity : all_granularities) {
        SimulatedImage image(64 * 1024, granularity);
        SimStream writer(image);
        const auto region = writer.allocate(4000);
        writer.append(region, "one");
        image.reset_footprint();
        EXPECT_EQ(writer.content(), (Content{{1, "one"}}));
        EXPECT_TRUE(writer.damages().empty());
        EXPECT_TRUE(image.footprint().empty());
    }
}

} // namespace
} // namespace pms
