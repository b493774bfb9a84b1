// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// What operations cost, counted in fences: the costs design decisions rest on.

#include "support/sim_stream.hpp"

namespace pms {
namespace {

template <typename F>
std::uint64_t fences_of(const SimulatedImage &image, F f)
{
    const std::uint64_t before = image.counts().fences;
    f();
    return image.counts().fences - before;
}

// A region in which the next append or publish does not move the limit.
pmemstream_region prepared_region(SimStream &stream, std::size_t size)
{
    const auto region = stream.allocate(size);
    stream.append(region, "moves the limit");
    return region;
}

TEST(Fences, ASynchronousAppendCostsOne)
{
    for (const Granularity granularity : {Granularity::cache_line, Granularity::byte}) {
        for (const std::size_t size : {0U, 8U, 64U, 256U, 1024U, 4096U, 16384U}) {
            SimulatedImage image(4 << 20, granularity);
            SimStream stream(image);
            const auto region = prepared_region(stream, 2 << 20);
            EXPECT_EQ(fences_of(image, [&] { stream.append(region, std::string(size, 'x')); }), 1U) << size;
        }
    }
}

TEST(Fences, OneMoreForEachStepOfTheLimit)
{
    SimulatedImage image(4 << 20, Granularity::cache_line);
    SimStream stream(image);
    const auto region = stream.allocate(2 << 20);
    constexpr std::uint64_t appends = 10000; // of 80 bytes: 12.2 steps of 64 KiB
    const std::uint64_t fences = fences_of(image, [&] {
        for (std::uint64_t i = 0; i < appends; ++i)
            stream.append(region, std::string(64, 'x'));
    });
    // And three when the checkpoints follow, each 512 KiB.
    EXPECT_LE(fences, appends + 13 + 2 * 3);
}

TEST(Fences, ASynchronousPublishCostsOne)
{
    SimulatedImage image(1 << 20, Granularity::cache_line);
    SimStream stream(image);
    const auto region = prepared_region(stream, 1 << 17);
    const auto entry = stream.reserve(region, 64, std::string(64, 'x'));
    EXPECT_EQ(fences_of(image, [&] { stream.publish(region, entry, 64); }), 1U);
}

TEST(Fences, AsynchronousAppendsCostOneForAllWhoWait)
{
    SimulatedImage image(1 << 20, Granularity::cache_line);
    SimStream stream(image);
    const auto region = prepared_region(stream, 1 << 17);
    std::uint64_t last = 0;
    const auto append_all = [&] {
        for (int i = 0; i < 256; ++i)
            last = pmemstream_entry_timestamp(stream.get(), stream.async_append(region, std::string(64, 'x')));
    };
    EXPECT_EQ(fences_of(image, append_all), 0U);
    EXPECT_EQ(fences_of(image, [&] { EXPECT_EQ(stream.wait_persisted(last), 0); }), 1U);
}

TEST(Fences, OnPagesOneSyncServesASynchronousAppend)
{
    SimulatedImage image(4 << 20, Granularity::page);
    SimStream stream(image);
    const auto region = prepared_region(stream, 2 << 20);
    EXPECT_EQ(fences_of(image, [&] { stream.append(region, std::string(64, 'x')); }), 1U);
}

// Words loaded while opening, which reads every header it looks at by words.
TEST(Opening, AfterACleanCloseCostsTheSameBehindAMillionEntriesAsBehindTen)
{
    const auto loads_to_open = [](int entries) {
        SimulatedImage image(64 << 20, Granularity::cache_line);
        {
            SimStream stream(image);
            const auto region = stream.allocate(60 << 20);
            for (int i = 0; i < entries; ++i)
                stream.append(region, "entry");
        }
        SimulatedImage reopened(image.power_cut_losing_all(), Granularity::cache_line);
        SimStream stream(reopened);
        const std::uint64_t loads = reopened.counts().loads;
        EXPECT_EQ(stream.persisted(), static_cast<std::uint64_t>(entries));
        EXPECT_TRUE(stream.info().was_clean);
        return loads;
    };
    EXPECT_EQ(loads_to_open(1000000), loads_to_open(10));
}

TEST(Opening, AfterAKillDependsOnTheLimitSteps)
{
    const auto loads_to_open = [](int entries) {
        SimulatedImage image(64 << 20, Granularity::cache_line);
        SimStream stream(image);
        const auto region = stream.allocate(60 << 20);
        for (int i = 0; i < entries; ++i)
            stream.append(region, "entry");
        SimulatedImage reopened(image.killed(), Granularity::cache_line);
        SimStream after(reopened);
        EXPECT_EQ(after.persisted(), static_cast<std::uint64_t>(entries));
        return reopened.counts().loads;
    };
    // Checkpoints follow after eight steps of 64 KiB; with the one under way that is 24,576 entries of 24 bytes. Each
    // costs two loads, and the rest of a step is looked at word by word.
    EXPECT_LE(loads_to_open(200000), 2 * 24576 + 2 * 8192 + 1000U);
}

} // namespace
} // namespace pms
