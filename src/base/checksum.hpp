// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// XXH3 (xxHash 0.8, https://github.com/Cyan4973/xxHash, doc/xxhash_spec.md), inlined: hashing 64 bytes costs about 5
// ns, a call into the shared library as much again.
#pragma once

#include "base/long_hash.hpp"
#include "base/move_bytes.hpp"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <cstddef>
#include <cstdint>

namespace pms {

inline std::uint64_t hash(const void *data, std::size_t size, std::uint64_t seed) noexcept
{
    if (size > XXH3_MIDSIZE_MAX) [[unlikely]]
        return long_hash.hash(data, size, seed);
    return XXH3_64bits_withSeed(data, size, seed);
}

// The same of bytes that are copied first; `from` is read once.
inline std::uint64_t copy_and_hash(void *to, const void *from, std::size_t size, std::uint64_t seed) noexcept
{
    if (size > 64) [[unlikely]]
        return long_hash.copy_and_hash(to, from, size, seed);
    move_bytes(to, from, size);
    return XXH3_64bits_withSeed(to, size, seed);
}

// The same of a few words. Flat: the function above is too large to be inlined everywhere.
template <std::size_t count>
[[gnu::flatten]] inline std::uint64_t hash_words(const std::uint64_t (&words)[count], std::uint64_t seed) noexcept
{
    return XXH3_64bits_withSeed(words, sizeof words, seed);
}

// The same hash of bytes that arrive in pieces.
class StreamingHash {
public:
    explicit StreamingHash(std::uint64_t seed) noexcept
    {
        XXH3_INITSTATE(&state_);
        XXH3_64bits_reset_withSeed(&state_, seed);
    }
    void update(const void *data, std::size_t size) noexcept { long_hash.add(&state_, data, size); }
    std::uint64_t digest() const noexcept { return XXH3_64bits_digest(&state_); }

private:
    XXH3_state_t state_;
};

} // namespace pms
