// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// A medium whose sync fails: the stream closes for good, and nothing is tried again.

#include "support/sim_stream.hpp"

namespace pms {
namespace {

TEST(FailingMedium, EveryLaterCallFailsAndNothingIsSyncedAgain)
{
    SimulatedImage image(1 << 20, Granularity::page);
    SimStream stream(image);
    const auto region = stream.allocate(100000);
    stream.append(region, "acknowledged");
    image.fail_sync(1);
    EXPECT_EQ(pmemstream_append(stream.get(), region, nullptr, "lost?", 5, nullptr), -1);
    EXPECT_EQ(errno, EIO);
    const auto before = image.counts();
    pmemstream_region other{};
    void *data = nullptr;
    pmemstream_entry entry{};
    EXPECT_EQ(pmemstream_append(stream.get(), region, nullptr, "x", 1, nullptr), -1);
    EXPECT_EQ(errno, EIO);
    EXPECT_EQ(pmemstream_async_append(stream.get(), nullptr, region, nullptr, "x", 1, nullptr), -1);
    EXPECT_EQ(pmemstream_reserve(stream.get(), region, nullptr, 1, &entry, &data), -1);
    EXPECT_EQ(pmemstream_region_allocate(stream.get(), 100, &other), -1);
    EXPECT_EQ(pmemstream_region_free(stream.get(), region), -1);
    EXPECT_EQ(errno, EIO);
    EXPECT_EQ(stream.wait_persisted(2), -1) << "the wait ends with an error";
    stream.close();
    EXPECT_EQ(image.counts().fences, before.fences) << "a failed sync must not be tried again";

    SimulatedImage reopened(image.power_cut_losing_all(), Granularity::page);
    SimStream after(reopened);
    const Content content = after.content();
    ASSERT_TRUE(content.contains(1));
    EXPECT_EQ(content.at(1), "acknowledged");
}

// Each sync of a run fails once; what was acknowledged is there afterwards.
TEST(FailingMedium, NothingAcknowledgedIsLostWhicheverSyncFails)
{
    for (std::uint64_t failing = 1; failing < 60; ++failing) {
        SimulatedImage image(1 << 20, Granularity::page);
        image.fail_sync(failing);
        pmemstream *stream = nullptr;
        std::map<std::uint64_t, std::string> acknowledged;
        if (pmemstream_from_map(&stream, 64, image.map()) == 0) {
            pmemstream_region region{};
            for (int round = 0; round < 5 && pmemstream_region_allocate(stream, 3000, &region) == 0; ++round) {
                for (int i = 0; i < 3; ++i) {
                    const std::string data = std::to_string(round) + "/" + std::to_string(i);
                    pmemstream_entry entry{};
                    if (pmemstream_append(stream, region, nullptr, data.data(), data.size(), &entry) == 0)
                        acknowledged[pmemstream_entry_timestamp(stream, entry)] = data;
                }
            }
            pmemstream_delete(&stream);
        }
        SimulatedImage reopened(image.power_cut_losing_all(), Granularity::page);
        SimStream after(reopened);
        const Content content = after.content();
        for (const auto &[timestamp, data] : acknowledged) {
            ASSERT_TRUE(content.contains(timestamp)) << failing;
            EXPECT_EQ(content.at(timestamp), data);
        }
        EXPECT_TRUE(after.damages().empty());
    }
}

TEST(FailingMedium, AWaitForCommittedStillCompletes)
{
    SimulatedImage image(1 << 20, Granularity::page);
    SimStream stream(image);
    const auto region = stream.allocate(100000);
    stream.append(region, "moves the limit");
    stream.async_append(region, "committed");
    image.fail_sync(1);
    EXPECT_EQ(stream.wait_persisted(2), -1);
    auto future = pmemstream_async_wait_committed(stream.get(), 2);
    EXPECT_EQ(future_poll(FUTURE_AS_RUNNABLE(&future), nullptr), FUTURE_STATE_COMPLETE);
    EXPECT_EQ(future.output.error_code, 0);
    EXPECT_EQ(stream.persisted(), 1U);
}

} // namespace
} // namespace pms
