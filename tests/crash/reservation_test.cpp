// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// Open reservations, in every order, with crashes at every fence.

#include "support/crash_points.hpp"
#include "support/sim_stream.hpp"

#include <algorithm>

namespace pms {
namespace {

class Reservations : public testing::TestWithParam<Granularity> {};
INSTANTIATE_TEST_SUITE_P(Media, Reservations, testing::ValuesIn(all_granularities),
                         [](const auto &info) { return to_string(info.param); });

TEST_P(Reservations, OneNeverPublishedIsGoneAndItsSpaceBack)
{
    SimulatedImage image(64 * 1024, GetParam());
    SimStream stream(image);
    const auto region = stream.allocate(4000);
    stream.append(region, "kept");
    const std::size_t usable = pmemstream_region_usable_size(stream.get(), region);
    stream.reserve(region, 500, std::string(500, 'x'));
    EXPECT_EQ(pmemstream_region_usable_size(stream.get(), region), usable - 16 - 504);
    stream.abandon();
    for (const SimulatedImage::Bytes &left : {image.killed(), image.power_cut_losing_all()}) {
        SimulatedImage after(left, GetParam());
        SimStream reopened(after);
        EXPECT_EQ(reopened.content(), (Content{{1, "kept"}}));
        EXPECT_EQ(pmemstream_region_usable_size(reopened.get(), region), usable);
    }
}

TEST_P(Reservations, AnEntryBehindAnOpenOneIsDurableWhenAcknowledged)
{
    SimulatedImage image(64 * 1024, GetParam());
    SimStream stream(image);
    const auto region = stream.allocate(4000);
    stream.append(region, "first");
    const auto open = stream.reserve(region, 100, "not published");
    const auto behind = stream.append(region, "behind");
    EXPECT_EQ(stream.data(behind), "behind");
    EXPECT_EQ(stream.entries(region), std::vector<std::string>{"first"}) << "up to the first reservation still open";
    EXPECT_EQ(pmemstream_entry_data(stream.get(), open), nullptr);
    for (const SimulatedImage::Bytes &left : {image.killed(), image.power_cut_losing_all()}) {
        SimulatedImage after(left, GetParam());
        SimStream reopened(after);
        EXPECT_EQ(reopened.entries(region), (std::vector<std::string>{"first", "behind"}));
        EXPECT_TRUE(reopened.damages().empty());
    }
    stream.publish(region, open, 13);
    EXPECT_EQ(stream.entries(region), (std::vector<std::string>{"first", "not published", "behind"}));
    EXPECT_EQ(pmemstream_entry_timestamp(stream.get(), open), 3U);
}

TEST_P(Reservations, PublishedInEitherOrderBothAreThere)
{
    for (const bool second_first : {false, true}) {
        SimulatedImage image(64 * 1024, GetParam());
        SimStream stream(image);
        const auto region = stream.allocate(4000);
        const auto first = stream.reserve(region, 40, std::string(40, '1'));
        const auto second = stream.reserve(region, 24, std::string(24, '2'));
        stream.publish(region, second_first ? second : first, second_first ? 24 : 40);
        stream.publish(region, second_first ? first : second, second_first ? 40 : 24);
        SimulatedImage after(image.power_cut_losing_all(), GetParam());
        SimStream reopened(after);
        EXPECT_EQ(reopened.entries(region), (std::vector<std::string>{std::string(40, '1'), std::string(24, '2')}));
        EXPECT_TRUE(reopened.damages().empty());
        stream.abandon();
    }
}

TEST_P(Reservations, PublishingLessInTheMiddleLeavesASpaceOfAnySize)
{
    for (std::size_t published = 0; published <= 40; ++published) {
        SimulatedImage image(64 * 1024, GetParam());
        SimStream stream(image);
        const auto region = stream.allocate(4000);
        const auto first = stream.reserve(region, 40, std::string(40, '1'));
        stream.append(region, "behind");
        stream.publish(region, first, published);
        const std::vector<std::string> expected = {std::string(published, '1'), "behind"};
        EXPECT_EQ(stream.entries(region), expected) << published;
        EXPECT_TRUE(stream.damages().empty());
        SimulatedImage after(image.power_cut_losing_all(), GetParam());
        SimStream reopened(after);
        EXPECT_EQ(reopened.entries(region), expected) << published;
        EXPECT_TRUE(reopened.damages().empty());
        stream.close();
        SimulatedImage closed(image.power_cut_losing_all(), GetParam());
        EXPECT_EQ(SimStream(closed).entries(region), expected) << published;
    }
}

TEST_P(Reservations, PublishingMoreGrowsTheLastOnly)
{
    SimulatedImage image(64 * 1024, GetParam());
    SimStream stream(image);
    const auto region = stream.allocate(4000);
    const auto first = stream.reserve(region, 8, std::string(8, '1'));
    const auto last = stream.reserve(region, 8, std::string(8, '2'));
    EXPECT_EQ(pmemstream_publish(stream.get(), region, nullptr, first, 9), -1);
    EXPECT_EQ(errno, EINVAL);
    EXPECT_EQ(pmemstream_publish(stream.get(), region, nullptr, last, 1 << 20), -1);
    EXPECT_EQ(errno, ENOSPC);
    EXPECT_EQ(pmemstream_publish(stream.get(), region, nullptr, last, SIZE_MAX), -1);
    EXPECT_EQ(errno, ENOSPC);
    stream.publish(region, last, 3000);
    stream.publish(region, first, 8);
    EXPECT_EQ(stream.entries(region)[1].size(), 3000U);
    EXPECT_EQ(pmemstream_publish(stream.get(), region, nullptr, first, 8), -1) << "twice";
    EXPECT_EQ(errno, ENOENT);
}

// Two reservations with entries between and behind them, published in both orders, synchronously or not; a crash at
// every fence.
TEST_P(Reservations, NothingAcknowledgedIsLostAtAnyFence)
{
    for (const bool second_first : {false, true}) {
        for (const bool synchronous : {false, true}) {
            SimulatedImage image(64 * 1024, GetParam());
            SimStream stream(image);
            const auto region = stream.allocate(8000);
            const auto other = stream.allocate(1000);
            CrashPoints crashes(image, 8, 5);
            std::map<std::uint64_t, std::string> submitted;
            std::uint64_t next = 1;
            const auto append = [&](pmemstream_region to, const std::string &data) {
                submitted[next] = data;
                stream.append(to, data);
                crashes.acknowledged = next++;
            };
            const auto publish = [&](pmemstream_entry entry, const std::string &data) {
                submitted[next] = data;
                if (synchronous) {
                    stream.publish(region, entry, data.size());
                    crashes.acknowledged = next;
                } else {
                    EXPECT_EQ(pmemstream_async_publish(stream.get(), region, nullptr, entry, data.size()), 0);
                }
                ++next;
            };
            append(region, "a");
            const auto first = stream.reserve(region, 100, std::string(100, '1'));
            append(region, "b");
            const auto second = stream.reserve(region, 48, std::string(48, '2'));
            append(other, "c");
            append(region, "d");
            publish(second_first ? second : first, second_first ? std::string(48, '2') : std::string(60, '1'));
            publish(second_first ? first : second, second_first ? std::string(100, '1') : std::string(32, '2'));
            append(region, "e");
            crashes.take();
            stream.abandon();
            for (const CrashState &state : crashes.states) {
                SCOPED_TRACE(state.how);
                SimulatedImage after(state.bytes, GetParam());
                CrashPoints inside(after, 1, 6);
                const auto check = [&](const SimStream &recovered) {
                    const Content content = recovered.content();
                    ASSERT_GE(recovered.persisted(), state.acknowledged);
                    ASSERT_EQ(content.size(), recovered.persisted()) << "a hole";
                    for (const auto &[timestamp, data] : content)
                        EXPECT_EQ(data, submitted[timestamp]);
                    EXPECT_TRUE(recovered.damages().empty());
                };
                {
                    SimStream recovered(after);
                    check(recovered);
                    recovered.abandon();
                }
                for (const CrashState &second_crash : inside.states) {
                    SCOPED_TRACE(second_crash.how + " of the recovery");
                    SimulatedImage twice(second_crash.bytes, GetParam());
                    SimStream recovered(twice);
                    check(recovered);
                }
            }
        }
    }
}

// A filler may be in the caches only until an entry behind it is persisted. A checkpoint on it, which is durable at
// once, would be taken for damage after a power cut.
TEST_P(Reservations, ACheckpointIsNeverPutOnAFiller)
{
    SimulatedImage image(64 * 1024, GetParam());
    SimStream stream(image);
    const pmemstream_region region = stream.allocate(20000);
    const pmemstream_region other = stream.allocate(400);
    stream.append(region, std::string(9000, 'a'));
    const pmemstream_entry reserved = stream.reserve(region, 100, "x");
    // Behind it, so that a filler covers it; committed only.
    stream.async_append(region, std::string(100, 'b'));
    EXPECT_EQ(pmemstream_abort(stream.get(), region, nullptr, reserved), 0);
    // Moves the checkpoints.
    EXPECT_EQ(pmemstream_region_free(stream.get(), other), 0);
    ASSERT_EQ(stream.persisted(), 1U);

    SimulatedImage after(image.power_cut_losing_all(), GetParam());
    SimStream recovered(after);
    ASSERT_NE(recovered.get(), nullptr);
    EXPECT_GE(recovered.persisted(), 1U);
    EXPECT_EQ(recovered.info().damage_count, 0U);
    EXPECT_EQ(recovered.entries(region).size(), recovered.persisted());
}

} // namespace
} // namespace pms
