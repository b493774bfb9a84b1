// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

#include "base/ring.hpp"

#include <gtest/gtest.h>

#include <deque>
#include <random>

namespace pms {
namespace {

void expect_same(const Ring<int> &ring, const std::deque<int> &expected)
{
    ASSERT_EQ(ring.size(), expected.size());
    ASSERT_EQ(ring.empty(), expected.empty());
    for (std::size_t i = 0; i < expected.size(); ++i)
        ASSERT_EQ(ring[i], expected[i]);
}

TEST(Ring, IsAQueue)
{
    Ring<int> ring;
    std::deque<int> expected;
    std::mt19937 random(1);
    for (int step = 0; step < 20000; ++step) {
        // Longer and shorter in turns, so that it grows while its front lies anywhere.
        const bool grows = step / 500 % 2 == 0;
        if (expected.empty() || random() % 10 < (grows ? 7U : 3U)) {
            ASSERT_TRUE(ring.prepare_push());
            EXPECT_EQ(ring.push_back(step), step);
            expected.push_back(step);
        } else if (random() % 4 == 0) {
            ring.pop_back();
            expected.pop_back();
        } else {
            EXPECT_EQ(ring.front(), expected.front());
            EXPECT_EQ(ring.back(), expected.back());
            const std::size_t count = 1 + random() % expected.size();
            ring.pop_front(count);
            expected.erase(expected.begin(), expected.begin() + static_cast<std::ptrdiff_t>(count));
        }
        expect_same(ring, expected);
    }
    ring.clear();
    EXPECT_TRUE(ring.empty());
}

TEST(Ring, FindsByBisection)
{
    Ring<int> ring;
    EXPECT_EQ(ring.partition_point([](int) { return true; }), 0U);
    for (int i = 0; i < 20; ++i) {
        ASSERT_TRUE(ring.prepare_push());
        ring.push_back(2 * i);
    }
    ring.pop_front(5);
    for (int value = 0; value < 50; ++value) {
        std::size_t expected = 0;
        while (expected < ring.size() && ring[expected] < value)
            ++expected;
        EXPECT_EQ(ring.partition_point([value](int item) { return item < value; }), expected);
    }
}

} // namespace
} // namespace pms
