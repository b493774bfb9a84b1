// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// A medium whose sync fails: the stream closes for good, and nothing is tried again.

#include "support/failing_syncs.hpp"
#include "support/sim_stream.hpp"

#include <random>

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

// Each sync of a program fails once; what was acknowledged is there afterwards, whatever the sync has dropped.
TEST(FailingMedium, NothingAcknowledgedIsLostWhicheverSyncFails)
{
    std::mt19937_64 random(1);
    bool met = true;
    std::uint64_t failing = 1;
    for (; met; ++failing) {
        SCOPED_TRACE(failing);
        SimulatedImage image(1 << 17, Granularity::page);
        image.fail_sync(failing);
        faults::FailingSyncs program;
        program.run(image.map());
        met = image.counts().fences >= failing;
        image.fail_sync(0);
        if (program.failed()) {
            EXPECT_EQ(image.counts().fences, failing) << "a failed sync must not be tried again";
        }
        std::vector<SimulatedImage::Bytes> left = {image.power_cut_losing_all(), image.killed()};
        for (int i = 0; i < 5; ++i)
            left.push_back(image.power_cut(random));
        // Another process goes on with the caches, in which pages are clean that are not on the medium.
        {
            SimStream after(image, faults::FailingSyncs::block_size);
            program.check(after.get());
            const Content reported = after.content();
            SimulatedImage cut(image.power_cut_losing_all(), Granularity::page);
            SimStream later(cut, faults::FailingSyncs::block_size);
            EXPECT_EQ(later.content(), reported) << "what was reported is lost";
        }
        for (const SimulatedImage::Bytes &bytes : left) {
            SimulatedImage reopened(bytes, Granularity::page);
            SimStream after(reopened, faults::FailingSyncs::block_size);
            program.check(after.get());
        }
        ASSERT_FALSE(HasFailure());
    }
    EXPECT_GT(failing, 100U);
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
