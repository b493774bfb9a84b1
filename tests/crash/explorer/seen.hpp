// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// A set of 64-bit hashes, each with a level, shared by processes that were forked after it was made.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace explorer {

class Seen {
public:
    static constexpr unsigned max_level = 7;

    // Room for that many hashes, a power of two. Throws std::system_error.
    explicit Seen(std::size_t capacity);
    ~Seen();
    Seen(const Seen &) = delete;
    Seen &operator=(const Seen &) = delete;

    // Raises the level of a hash to `level`, from 1 up, and tells which one it had: 0 if it was not there. When the set
    // is full everything counts as new and `overflown` rises. Of a hash 61 bits are told apart.
    unsigned raise(std::uint64_t hash, unsigned level);
    std::uint64_t overflown() const { return *overflown_; }

private:
    std::size_t capacity_;
    // This process's last ones: most hashes come again soon, and the set is far larger than the processor's caches.
    std::vector<std::uint64_t> recent_;
    std::atomic<std::uint64_t> *slots_; // a hash whose lowest bits are replaced by its level
    std::atomic<std::uint64_t> *overflown_;
};

// Memory that forked processes share, zeroed.
void *shared_memory(std::size_t bytes);

} // namespace explorer
