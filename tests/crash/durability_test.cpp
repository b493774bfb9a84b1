// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// Streams whose entries are to survive the process and no more: what a kill leaves, and what a power cut.

#include "support/crash_points.hpp"
#include "support/sim_stream.hpp"

#include "api/api.hpp"
#include "format/layout.hpp"

#include <random>

namespace pms {
namespace {

pmemstream *open_with(SimulatedImage &image, std::optional<format::Durability> durability)
{
    std::unique_ptr<Stream> stream;
    EXPECT_EQ(Stream::open(Medium(image), 64, Stream::IfEmpty::format, {.durability = durability}, stream),
              Error::none);
    return api::wrap(stream.release());
}

class Process : public testing::TestWithParam<Granularity> {};
INSTANTIATE_TEST_SUITE_P(Media, Process, testing::ValuesIn(all_granularities),
                         [](const auto &info) { return to_string(info.param); });

constexpr auto process = format::Durability::process;
constexpr auto sync_each = format::Durability::sync;

TEST_P(Process, AnAppendCostsNoFence)
{
    SimulatedImage image(16 * 1024, GetParam());
    SimStream stream(image, open_with(image, process));
    const auto region = stream.allocate(4000);
    stream.append(region, "the first moves the limit");
    const auto reserved = stream.reserve(region, 8, "reserved");
    const std::uint64_t before = image.counts().fences;
    for (const std::size_t size : {0, 8, 16, 20, 40, 400})
        stream.append(region, std::string(size, 'x'));
    stream.async_append(region, "later");
    EXPECT_EQ(stream.wait_persisted(8), 0);
    EXPECT_EQ(stream.persisted(), 8U);
    stream.publish(region, reserved, 8);
    // Publishing in front of what was reported takes hole words.
    EXPECT_LE(image.counts().fences, before + 3);
}

TEST_P(Process, StaysWithTheStreamUntilItIsOpenedWithTheOther)
{
    SimulatedImage image(16 * 1024, GetParam());
    const auto reopened = [&](std::optional<format::Durability> durability) {
        SimStream stream(image, open_with(image, durability));
        return stream.info().durability;
    };
    EXPECT_EQ(reopened({}), PMEMSTREAM_DURABILITY_SYNC);
    EXPECT_EQ(reopened(process), PMEMSTREAM_DURABILITY_PROCESS);
    EXPECT_EQ(reopened({}), PMEMSTREAM_DURABILITY_PROCESS);
    EXPECT_EQ(reopened(sync_each), PMEMSTREAM_DURABILITY_SYNC);
    EXPECT_EQ(reopened({}), PMEMSTREAM_DURABILITY_SYNC);
    // A flipped bit is told, and promises less than it may.
    EXPECT_EQ(reopened(process), PMEMSTREAM_DURABILITY_PROCESS);
    SimulatedImage::Bytes damaged = image.killed();
    damaged[format::durability_offset] ^= std::byte{1};
    SimulatedImage after(damaged, GetParam());
    SimStream stream(after);
    EXPECT_EQ(stream.info().damage_count, 1U);
}

// Whatever was written since it was last made durable may be lost, from some entry on; nothing else is.
TEST_P(Process, APowerCutLosesTheEndAKillNothing)
{
    for (std::uint64_t seed = 0; seed < 60; ++seed) {
        SCOPED_TRACE(seed);
        std::mt19937_64 random(seed);
        SimulatedImage image(16 * 1024, GetParam());
        auto stream = std::make_unique<SimStream>(image, open_with(image, process));
        std::vector<pmemstream_region> live{stream->allocate(1500), stream->allocate(1500)};
        Content submitted;
        std::map<std::uint64_t, std::uint64_t> region_of; // timestamp -> region
        std::uint64_t durable = 0;
        std::uint64_t next = 1;
        std::vector<pmemstream_entry> reserved;
        const auto check = [&](const SimulatedImage::Bytes &bytes, std::uint64_t least, const char *how) {
            SCOPED_TRACE(how);
            SimulatedImage after(bytes, GetParam());
            SimStream recovered(after);
            ASSERT_NE(recovered.get(), nullptr);
            EXPECT_EQ(recovered.info().damage_count, 0U);
            EXPECT_TRUE(recovered.damages().empty());
            EXPECT_EQ(recovered.info().durability, PMEMSTREAM_DURABILITY_PROCESS);
            const std::uint64_t end = recovered.persisted();
            EXPECT_GE(end, least);
            Content owed = submitted;
            std::erase_if(owed, [&](const auto &entry) { return entry.first > end; });
            EXPECT_EQ(recovered.content(), owed);
        };
        for (int i = 0; i < 30; ++i) {
            const std::uint64_t choice = random() % 100;
            const pmemstream_region region = live[random() % live.size()];
            const std::string data =
                std::to_string(seed) + ':' + std::to_string(next) + std::string(random() % 4 * 13, '.');
            const bool fits = pmemstream_region_usable_size(stream->get(), region) >= 100;
            if (choice < 70 && fits) {
                const auto entry = choice < 50 ? stream->append(region, data) : stream->async_append(region, data);
                if (choice >= 50)
                    stream->wait_persisted(next);
                EXPECT_EQ(pmemstream_entry_timestamp(stream->get(), entry), next);
                submitted[next] = data;
                region_of[next++] = region.offset;
            } else if (choice < 80 && fits) {
                const auto entry = stream->reserve(region, data.size(), data);
                stream->append(region, data + " behind");
                submitted[next] = data + " behind";
                region_of[next++] = region.offset;
                stream->publish(region, entry, data.size());
                submitted[next] = data;
                region_of[next++] = region.offset;
            } else if (choice < 90) {
                EXPECT_EQ(pmemstream_region_free(stream->get(), region), 0);
                std::erase_if(submitted, [&](const auto &one) { return region_of[one.first] == region.offset; });
                std::erase_if(live, [&](const auto &one) { return one.offset == region.offset; });
                live.push_back(stream->allocate(1500));
                durable = stream->persisted();
            } else if (choice < 95) {
                stream->close();
                stream = std::make_unique<SimStream>(image, open_with(image, {}));
                durable = stream->persisted();
            } else {
                check(image.killed(), next - 1, "killed");
            }
            check(image.power_cut_losing_all(), durable, "all lost");
            check(image.power_cut(random), durable, "a part lost");
            if (HasFailure())
                return;
        }
    }
}

TEST_P(Process, WhatIsOpenedToBeDurableAgainIs)
{
    SimulatedImage image(16 * 1024, GetParam());
    pmemstream_region region{};
    {
        SimStream stream(image, open_with(image, process));
        region = stream.allocate(1000);
        stream.append(region, "in the caches");
        stream.abandon();
    }
    image.revive();
    SimStream stream(image, open_with(image, sync_each));
    SimulatedImage after(image.power_cut_losing_all(), GetParam());
    SimStream recovered(after);
    EXPECT_EQ(recovered.content(), (Content{{1, "in the caches"}}));
    EXPECT_EQ(recovered.info().durability, PMEMSTREAM_DURABILITY_SYNC);
}

} // namespace
} // namespace pms
