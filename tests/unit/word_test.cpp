// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

#include "format/word.hpp"

#include <gtest/gtest.h>

#include <random>

namespace pms::format {

template <typename Word>
class WordTest : public testing::Test {};
using Words = testing::Types<OffsetWord, TimestampWord>;
TYPED_TEST_SUITE(WordTest, Words);

TYPED_TEST(WordTest, GivesBackWhatWasEncoded)
{
    std::mt19937_64 random(1);
    for (int i = 0; i < 10000; ++i) {
        const std::uint64_t value = random() & TypeParam::max;
        const std::uint64_t seed = random();
        EXPECT_EQ(TypeParam::decode(TypeParam::encode(value, seed), seed), value);
    }
    EXPECT_EQ(TypeParam::decode(TypeParam::encode(TypeParam::max, 7), 7), TypeParam::max);
}

TYPED_TEST(WordTest, NoWordOfZerosIsValid)
{
    std::mt19937_64 random(2);
    for (int i = 0; i < 100000; ++i)
        EXPECT_FALSE(TypeParam::decode(0, random()));
}

// The code is linear: what holds for one value and seed holds for all.
TYPED_TEST(WordTest, FindsEveryErrorOfUpToThreeBits)
{
    const std::uint64_t seed = 0x123456789abcdef;
    const std::uint64_t word = TypeParam::encode(0x2a5a5a5a5a5a, seed);
    for (int a = 0; a < 64; ++a)
        for (int b = a; b < 64; ++b)
            for (int c = b; c < 64; ++c) {
                const std::uint64_t error = 1ULL << a ^ (b != a ? 1ULL << b : 0) ^ (c != b && c != a ? 1ULL << c : 0);
                ASSERT_FALSE(TypeParam::decode(word ^ error, seed)) << a << ' ' << b << ' ' << c;
            }
}

TYPED_TEST(WordTest, DoesNotPassAtMostOtherPlaces)
{
    // 10 bits of check let one in 512 through (one bit of the seed is fixed), 16 bits one in 32768.
    const std::uint64_t word = TypeParam::encode(4711, word_seed(99, 64));
    int passed = 0;
    for (std::uint64_t offset = 72; offset < 64 + 8 * 10000; offset += 8)
        passed += TypeParam::decode(word, word_seed(99, offset)).has_value();
    EXPECT_LT(passed, 60);
}

} // namespace pms::format
