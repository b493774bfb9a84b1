// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// A power cut at every fence of a stream's creation, also while a creation that was cut short is done again: the next
// open makes an empty stream, which works. And at every fence of an allocation: that is no damage either, nor after a
// clean close.

#include "open_stream.hpp"

#include <gtest/gtest.h>

#include <random>

namespace model {
namespace {

// What is left by a power cut before the n-th fence of opening `content`. False if there are fewer.
bool cut_at(const Bytes &content, pms::Granularity granularity, std::uint64_t n, std::mt19937_64 &random, Bytes &left)
{
    bool cut = false;
    pms::SimulatedImage image(content, granularity);
    image.before_fence = [&] {
        if (image.counts().fences == n) {
            left = image.power_cut(random);
            cut = true;
        }
    };
    pmemstream *stream = nullptr;
    must(pmemstream_from_map(&stream, 64, image.map()) == 0, "from_map");
    image.before_fence = nullptr;
    pmemstream_delete(&stream);
    return cut;
}

TEST(Creation, cut_short_is_done_again)
{
    std::mt19937_64 random(1);
    const Bytes empty(20000);
    for (const pms::Granularity granularity : all_granularities) {
        for (int repeat = 0; repeat < 40; ++repeat) {
            Bytes left;
            for (std::uint64_t first = 0; cut_at(empty, granularity, first, random, left); ++first) {
                Bytes twice;
                if (cut_at(left, granularity, random() % 8, random, twice))
                    left = twice;
                OpenStream open(left, granularity, 64);
                EXPECT_TRUE(open.entries().empty());
                EXPECT_EQ(pmemstream_committed_timestamp(open.stream), 0);
                const std::uint64_t region = open.allocate(1000);
                EXPECT_EQ(pmemstream_append(open.stream, {region}, nullptr, "first", 5, nullptr), 0);
                EXPECT_EQ(open.entries().size(), 1);
                open.verify();
            }
        }
    }
}

TEST(Allocation, cut_short_leaves_no_damage)
{
    std::mt19937_64 random(1);
    for (const pms::Granularity granularity : all_granularities) {
        for (int repeat = 0; repeat < 40; ++repeat) {
            std::vector<Bytes> left;
            OpenStream open(Bytes(20000), granularity, 64);
            open.image->before_fence = [&] { left.push_back(open.image->power_cut(random)); };
            open.allocate(1000);
            open.image->before_fence = nullptr;
            for (Bytes &content : left) {
                for (int reopen = 0; reopen < 2; ++reopen) {
                    OpenStream again(content, granularity, 64);
                    pmemstream_info info{};
                    ASSERT_EQ(pmemstream_get_info(again.stream, &info, sizeof info), 0);
                    EXPECT_EQ(info.damage_count, 0)
                        << "opened for the " << (reopen == 0 ? "first" : "second") << " time";
                    pmemstream_delete(&again.stream);
                    content = again.image->killed();
                }
            }
        }
    }
}

} // namespace
} // namespace model
