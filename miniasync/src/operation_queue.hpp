// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// A first-in first-out ring of operations, of fixed capacity. Not thread safe: the mover's mutex guards it.

#pragma once

#include <cstddef>
#include <vector>

namespace miniasync {

class ThreadOperation;

class OperationQueue {
public:
    explicit OperationQueue(std::size_t capacity) : ring_(capacity) {}

    bool empty() const noexcept { return size_ == 0; }

    bool push(ThreadOperation *operation) noexcept
    {
        if (size_ == ring_.size()) {
            return false;
        }
        at(size_) = operation;
        ++size_;
        return true;
    }

    // Not on an empty queue.
    ThreadOperation *pop() noexcept
    {
        ThreadOperation *operation = at(0);
        first_ = (first_ + 1) % ring_.size();
        --size_;
        return operation;
    }

    // Takes an operation out; false if it is not in the queue.
    bool remove(const ThreadOperation *operation) noexcept
    {
        std::size_t i = 0;
        while (i < size_ && at(i) != operation) {
            ++i;
        }
        if (i == size_) {
            return false;
        }
        for (; i + 1 < size_; ++i) {
            at(i) = at(i + 1);
        }
        --size_;
        return true;
    }

private:
    // (first_ + i) does not overflow: the ring's elements are pointers, so its size is far below the type's maximum.
    ThreadOperation *&at(std::size_t i) noexcept { return ring_[(first_ + i) % ring_.size()]; }

    std::vector<ThreadOperation *> ring_;
    std::size_t first_ = 0;
    std::size_t size_ = 0;
};

} // namespace miniasync
