// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// The ring behind the threads mover. Its elements are only addresses here.

#include "operation_queue.hpp"
#include "thread_operation.hpp"

#include "support/mover.hpp"

#include <gtest/gtest.h>

#include <array>

namespace {

using namespace miniasync;

class OperationQueueTest : public testing::Test {
protected:
    ThreadOperation *operation(std::size_t i) { return reinterpret_cast<ThreadOperation *>(&bytes_[i]); }

    alignas(ThreadOperation) std::array<std::array<char, alignof(ThreadOperation)>, 8> bytes_{};
};

TEST_F(OperationQueueTest, IsFirstInFirstOutAroundItsEnd)
{
    OperationQueue queue(3);
    std::size_t in = 0;
    std::size_t out = 0;

    while (queue.push(operation(in % 8))) {
        ++in;
    }
    EXPECT_EQ(in, 3U);
    for (; out < 20; ++out) {
        EXPECT_EQ(queue.pop(), operation(out % 8));
        EXPECT_TRUE(queue.push(operation(in++ % 8)));
        EXPECT_FALSE(queue.push(operation(7)));
    }
    while (!queue.empty()) {
        EXPECT_EQ(queue.pop(), operation(out++ % 8));
    }
    EXPECT_EQ(in, out);
}

TEST_F(OperationQueueTest, KeepsTheOrderOfWhatStaysWhenOneIsRemoved)
{
    for (std::size_t removed = 0; removed < 3; ++removed) {
        OperationQueue queue(3);
        queue.push(operation(6));
        queue.push(operation(7));
        queue.pop();
        queue.pop();
        for (std::size_t i = 0; i < 3; ++i) {
            EXPECT_TRUE(queue.push(operation(i)));
        }
        EXPECT_FALSE(queue.remove(operation(5)));
        EXPECT_TRUE(queue.remove(operation(removed)));
        EXPECT_FALSE(queue.remove(operation(removed)));
        EXPECT_TRUE(queue.push(operation(3)));
        for (std::size_t i = 0; i < 4; ++i) {
            if (i != removed) {
                EXPECT_EQ(queue.pop(), operation(i));
            }
        }
        EXPECT_TRUE(queue.empty());
    }
}

} // namespace
