// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// What an entry holds. A seed makes the bytes, so that no two entries of a case are alike: old bytes never pass for new
// ones.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <vector>

namespace model {

using Bytes = std::vector<std::byte>;
// Shared, because a data mover reads the buffer until its entry is committed.
using Data = std::shared_ptr<const Bytes>;

inline std::uint64_t mix(std::uint64_t value)
{
    value += 0x9e3779b97f4a7c15;
    value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9;
    value = (value ^ (value >> 27)) * 0x94d049bb133111eb;
    return value ^ (value >> 31);
}

inline Data make_data(std::uint64_t seed, std::size_t size)
{
    auto bytes = std::make_shared<Bytes>(size);
    for (std::size_t done = 0; done < size; done += 8) {
        const std::uint64_t word = mix(seed * 0x10001 + done);
        std::memcpy(bytes->data() + done, &word, std::min<std::size_t>(8, size - done));
    }
    return bytes;
}

} // namespace model
