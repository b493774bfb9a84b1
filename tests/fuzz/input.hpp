// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// A fuzzer's bytes, read from front to back. Behind their end everything is 0, so that any bytes are an input.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace fuzz {

class Input {
public:
    Input(const std::uint8_t *data, std::size_t size) : data_(data), left_(size) {}

    bool done() const { return left_ == 0; }

    template <typename T>
    T take()
    {
        T value{};
        const std::size_t count = std::min(sizeof value, left_);
        if (count != 0)
            std::memcpy(&value, data_, count);
        data_ += count;
        left_ -= count;
        return value;
    }

    std::uint8_t byte() { return take<std::uint8_t>(); }

private:
    const std::uint8_t *data_;
    std::size_t left_;
};

} // namespace fuzz
