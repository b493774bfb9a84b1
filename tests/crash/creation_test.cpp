// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

#include "support/crash_points.hpp"
#include "support/sim_stream.hpp"

#include "format/superblock.hpp"

#include <cstring>

namespace pms {
namespace {

class Creation : public testing::TestWithParam<Granularity> {};
INSTANTIATE_TEST_SUITE_P(Media, Creation, testing::ValuesIn(all_granularities),
                         [](const auto &info) { return to_string(info.param); });

TEST_P(Creation, CutShortAnywhereIsFinishedByTheNextOpen)
{
    SimulatedImage image(64 * 1024, GetParam());
    CrashPoints crashes(image, 20, 1);
    SimStream(image).close();
    ASSERT_GE(crashes.states.size(), 5U);
    for (const CrashState &state : crashes.states) {
        SCOPED_TRACE(state.how);
        SimulatedImage after(state.bytes, GetParam());
        SimStream stream(after);
        ASSERT_NE(stream.get(), nullptr);
        stream.append(stream.allocate(100), "works");
        EXPECT_TRUE(stream.damages().empty());
    }
}

// A word that is zero means its first value, so what lies there must not be taken over.
TEST_P(Creation, CutShortOverAnythingIsFinishedByTheNextOpen)
{
    SimulatedImage::Bytes bytes(64 * 1024, std::byte{0x9b});
    const std::uint64_t intent = format::encode_intent(64);
    std::memcpy(bytes.data(), &intent, sizeof intent);
    SimulatedImage image(bytes, GetParam());
    {
        SimStream stream(image);
        ASSERT_NE(stream.get(), nullptr);
        stream.append(stream.allocate(100), "works");
        stream.close();
    }
    SimStream again(image);
    ASSERT_NE(again.get(), nullptr);
    EXPECT_EQ(again.persisted(), 1U);
    EXPECT_TRUE(again.damages().empty());
}

TEST_P(Creation, AForeignMapIsRefusedAndNotTouched)
{
    for (const std::size_t place : {0U, 8U, 100U, 4096U, 65535U}) {
        SimulatedImage::Bytes bytes(128 * 1024);
        bytes[place] = std::byte{1};
        SimulatedImage image(bytes, GetParam());
        pmemstream *stream = nullptr;
        EXPECT_EQ(pmemstream_from_map(&stream, 64, image.map()), -1) << place;
        EXPECT_EQ(errno, EMEDIUMTYPE);
        EXPECT_EQ(image.counts().stores, 0U);
        EXPECT_EQ(image.killed(), bytes);
    }
}

TEST_P(Creation, AMapWhoseFirst64KiBAreZeroCountsAsEmpty)
{
    SimulatedImage::Bytes bytes(128 * 1024);
    bytes[65536] = std::byte{1};
    SimulatedImage image(bytes, GetParam());
    SimStream stream(image);
    EXPECT_NE(stream.get(), nullptr);
}

TEST_P(Creation, AZeroedMagicIsNotAnEmptyMap)
{
    SimulatedImage image(64 * 1024, GetParam());
    SimStream(image).close();
    SimulatedImage::Bytes bytes = image.killed();
    for (const std::size_t copy : {0U, 4096U})
        std::fill_n(bytes.begin() + static_cast<std::ptrdiff_t>(copy), 8, std::byte{0});
    SimulatedImage damaged(bytes, GetParam());
    pmemstream *stream = nullptr;
    EXPECT_EQ(pmemstream_from_map(&stream, 64, damaged.map()), -1);
    EXPECT_EQ(errno, EMEDIUMTYPE);
    EXPECT_EQ(damaged.killed(), bytes);
}

TEST_P(Creation, OpeningWithAnotherBlockSizeOrLengthIsRefusedAndNotTouched)
{
    SimulatedImage image(64 * 1024, GetParam());
    SimStream(image).close();
    const SimulatedImage::Bytes bytes = image.killed();
    const auto refused = [&](SimulatedImage::Bytes changed, std::size_t block_size, int number) {
        SimulatedImage other(changed, GetParam());
        pmemstream *stream = nullptr;
        EXPECT_EQ(pmemstream_from_map(&stream, block_size, other.map()), -1);
        EXPECT_EQ(errno, number);
        EXPECT_EQ(other.killed(), changed);
    };
    refused(bytes, 128, EINVAL);
    SimulatedImage::Bytes longer = bytes;
    longer.resize(bytes.size() + 4096);
    refused(longer, 64, EFBIG);
    SimulatedImage::Bytes shorter = bytes;
    shorter.resize(bytes.size() - 4096);
    refused(shorter, 64, ENODATA);
}

} // namespace
} // namespace pms
