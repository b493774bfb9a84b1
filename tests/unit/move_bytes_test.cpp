// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

#include "base/move_bytes.hpp"

#include <gtest/gtest.h>

#include <numeric>
#include <vector>

namespace pms {
namespace {

TEST(MoveBytes, DoesWhatMemmoveDoesWhereverTheTwoOverlap)
{
    constexpr std::size_t most = 100;
    std::vector<unsigned char> bytes(4 * most);
    std::iota(bytes.begin(), bytes.end(), static_cast<unsigned char>(1));
    const std::size_t from = 2 * most;
    for (std::size_t size = 0; size <= most; ++size) {
        for (std::size_t to = most; to <= 3 * most; ++to) {
            std::vector<unsigned char> moved = bytes;
            std::vector<unsigned char> expected = bytes;
            move_bytes(&moved[to], &moved[from], size);
            std::memmove(&expected[to], &expected[from], size);
            ASSERT_EQ(moved, expected) << size << " bytes to " << to;
        }
    }
}

} // namespace
} // namespace pms
