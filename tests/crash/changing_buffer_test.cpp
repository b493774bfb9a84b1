// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// A caller's buffer that changes while it is appended: what is stored is some state of it, or a mixture, and its
// checksum is that of what was stored. An entry whose checksum is another one would be taken for torn by the next
// recovery, which drops all that was acknowledged behind it.

#include "support/crash_points.hpp"
#include "support/sim_stream.hpp"

namespace pms {
namespace {

class ChangingBuffer : public testing::TestWithParam<Granularity> {};
INSTANTIATE_TEST_SUITE_P(Media, ChangingBuffer, testing::ValuesIn(all_granularities),
                         [](const auto &info) { return to_string(info.param); });

TEST_P(ChangingBuffer, IsStoredWithTheChecksumOfWhatWasStored)
{
    SimulatedImage image(256 * 1024, GetParam());
    SimStream stream(image);
    const pmemstream_region region = stream.allocate(200000);
    std::string data;
    bool changes = false;
    image.before_step = [&](SimulatedImage::Step step, std::uint64_t, std::size_t) {
        if (changes && step == SimulatedImage::Step::store)
            for (char &byte : data)
                ++byte;
    };
    CrashPoints crashes(image, 2, 3);
    // Of all kinds that the simulated medium's limits make.
    for (std::size_t size = 1; size <= 40; ++size) {
        data = std::string(size, '0');
        changes = true;
        const pmemstream_entry entry = stream.append(region, data);
        changes = false;
        EXPECT_EQ(stream.data(entry).size(), size);
        crashes.acknowledged = stream.persisted();
        stream.append(region, "behind");
        crashes.acknowledged = stream.persisted();
    }
    image.before_step = nullptr;
    EXPECT_TRUE(stream.damages().empty());
    ASSERT_GT(crashes.states.size(), 240U);
    for (const CrashState &state : crashes.states) {
        SCOPED_TRACE(state.how);
        SimulatedImage after(state.bytes, GetParam());
        SimStream recovered(after);
        ASSERT_NE(recovered.get(), nullptr);
        EXPECT_GE(recovered.persisted(), state.acknowledged);
        const Content content = recovered.content();
        EXPECT_EQ(content.size(), recovered.persisted()) << "a hole";
        for (const auto &[timestamp, found] : content)
            if (timestamp % 2 == 0) {
                EXPECT_EQ(found, "behind");
            } else {
                EXPECT_EQ(found.size(), (timestamp + 1) / 2);
            }
        EXPECT_TRUE(recovered.damages().empty());
        recovered.abandon();
    }
}

} // namespace
} // namespace pms
