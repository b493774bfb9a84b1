// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

#include "region/free_spans.hpp"

#include <gtest/gtest.h>

namespace pms {

bool operator==(const FreeSpan &a, const FreeSpan &b)
{
    return a.offset == b.offset && a.size == b.size;
}

namespace {

TEST(FreeSpans, TheLastFreedOfASizeIsTakenFirst)
{
    FreeSpans spans;
    spans.add({0, 128});
    spans.add({256, 128});
    spans.add({512, 128});
    EXPECT_EQ(spans.choose(128), (FreeSpan{512, 128}));
    spans.remove({512, 128});
    EXPECT_EQ(spans.choose(128), (FreeSpan{256, 128}));
}

TEST(FreeSpans, AnExactFitComesBeforeALargerSpan)
{
    FreeSpans spans;
    spans.add({0, 128});
    spans.add({256, 4096});
    EXPECT_EQ(spans.choose(128), (FreeSpan{0, 128}));
    EXPECT_EQ(spans.choose(192), (FreeSpan{256, 4096}));
    EXPECT_FALSE(spans.choose(8192));
}

TEST(FreeSpans, NeighboursAreJoinedInTheirOrder)
{
    FreeSpans spans;
    spans.add({384, 64});
    spans.add({0, 128});
    spans.add({128, 256});
    spans.add({1024, 128});
    EXPECT_EQ(spans.largest(), 448U);
    EXPECT_EQ(spans.total(), 576U);
    const auto run = spans.joinable(400);
    ASSERT_EQ(run, (std::vector<FreeSpan>{{0, 128}, {128, 256}, {384, 64}}));
    spans.prepare_join(run);
    spans.join(run);
    EXPECT_EQ(spans.choose(400), (FreeSpan{0, 448}));
    EXPECT_EQ(spans.total(), 576U);
    EXPECT_EQ(spans.choose(128), (FreeSpan{1024, 128}));
    EXPECT_TRUE(spans.joinable(500).empty());
}

TEST(FreeSpans, PreparingAJoinChangesNothing)
{
    FreeSpans spans;
    spans.add({0, 64});
    spans.add({64, 64});
    spans.prepare_join(spans.joinable(128));
    EXPECT_FALSE(spans.choose(128));
    EXPECT_EQ(spans.choose(64), (FreeSpan{64, 64}));
}

} // namespace
} // namespace pms
