// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// A set of 64-bit hashes and counters, shared by processes that were forked after it was made.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace explorer {

class Seen {
public:
    // Room for that many hashes, a power of two. Throws std::system_error.
    explicit Seen(std::size_t capacity);
    ~Seen();
    Seen(const Seen &) = delete;
    Seen &operator=(const Seen &) = delete;

    bool contains(std::uint64_t hash) const;
    // False if it was there. When the set is full everything counts as new and `overflown` rises.
    bool insert(std::uint64_t hash);
    std::uint64_t overflown() const { return *overflown_; }

private:
    std::size_t capacity_;
    std::atomic<std::uint64_t> *slots_;
    std::atomic<std::uint64_t> *overflown_;
};

// Memory that forked processes share, zeroed.
void *shared_memory(std::size_t bytes);

} // namespace explorer
