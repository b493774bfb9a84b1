// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

#include "histogram.hpp"
#include "statistics.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

namespace bench {
namespace {

TEST(Quartiles, AreThoseOfTheSortedValues)
{
    const Quartiles five = quartiles_of({50, 10, 40, 20, 30});
    EXPECT_EQ(five.low, 20);
    EXPECT_EQ(five.median, 30);
    EXPECT_EQ(five.high, 40);
    EXPECT_EQ(quartiles_of({2, 1}).median, 1.5);
    EXPECT_EQ(quartiles_of({7}).high, 7);
}

TEST(HistogramOfDurations, TellsPercentilesToOnePartIn64)
{
    std::mt19937_64 random(1);
    Histogram histogram;
    std::vector<Ticks> values;
    for (int i = 0; i < 10000; ++i) {
        values.push_back(random() >> (random() % 64));
        histogram.add(values.back());
    }
    std::sort(values.begin(), values.end());
    for (const double part : {0.01, 0.25, 0.5, 0.9, 0.99, 0.999}) {
        const Ticks exact = values[static_cast<std::size_t>(part * 10000) - 1];
        EXPECT_GE(histogram.percentile(part), exact) << part;
        EXPECT_LE(histogram.percentile(part) - exact, exact / 64) << part;
    }
    EXPECT_EQ(histogram.percentile(1), values.back());
    EXPECT_EQ(histogram.count(), values.size());
}

TEST(HistogramOfDurations, AddsUp)
{
    Histogram one;
    Histogram other;
    one.add(3);
    other.add(1000);
    one.add(other);
    EXPECT_EQ(one.count(), 2);
    EXPECT_EQ(one.percentile(0.5), 3);
    EXPECT_EQ(one.max(), 1000);
    one.clear();
    EXPECT_EQ(one.count(), 0);
    EXPECT_EQ(one.percentile(0.5), 0);
}

} // namespace
} // namespace bench
