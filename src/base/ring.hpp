// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// A queue that keeps its memory: what goes in at the back and out at the front, or the back, allocates only while the
// queue grows beyond what it has ever held. References are good until the next prepare_push().
#pragma once

#include <cstddef>
#include <memory>
#include <new>

namespace pms {

template <typename T>
class Ring {
public:
    bool empty() const noexcept { return size_ == 0; }
    std::size_t size() const noexcept { return size_; }
    T &operator[](std::size_t index) noexcept { return items_[(first_ + index) & (capacity_ - 1)]; }
    const T &operator[](std::size_t index) const noexcept { return items_[(first_ + index) & (capacity_ - 1)]; }
    T &front() noexcept { return (*this)[0]; }
    T &back() noexcept { return (*this)[size_ - 1]; }
    const T &back() const noexcept { return (*this)[size_ - 1]; }

    bool full() const noexcept { return size_ == capacity_; }
    // Makes room for one more. False if there is no memory.
    bool prepare_push() noexcept { return !full() || grow(); }
    // prepare_push() was called.
    T &push_back(const T &item) noexcept
    {
        T &place = (*this)[size_];
        ++size_;
        return place = item;
    }
    void pop_front(std::size_t count) noexcept
    {
        first_ += count;
        size_ -= count;
    }
    void pop_back() noexcept { --size_; }
    void clear() noexcept { size_ = 0; }

    // The first index from which on `holds` is false. It is true up to there.
    template <typename Holds>
    std::size_t partition_point(Holds holds) const
    {
        std::size_t begin = 0;
        std::size_t end = size_;
        while (begin < end) {
            const std::size_t middle = begin + (end - begin) / 2;
            if (holds((*this)[middle]))
                begin = middle + 1;
            else
                end = middle;
        }
        return begin;
    }

private:
    [[gnu::noinline]] bool grow() noexcept
    {
        const std::size_t capacity = capacity_ == 0 ? 16 : 2 * capacity_;
        std::unique_ptr<T[]> items(new (std::nothrow) T[capacity]);
        if (items == nullptr)
            return false;
        for (std::size_t i = 0; i < size_; ++i)
            items[i] = (*this)[i];
        items_ = std::move(items);
        capacity_ = capacity;
        first_ = 0;
        return true;
    }

    std::unique_ptr<T[]> items_;
    std::size_t capacity_ = 0; // a power of two
    std::size_t first_ = 0;    // taken modulo the capacity
    std::size_t size_ = 0;
};

} // namespace pms
