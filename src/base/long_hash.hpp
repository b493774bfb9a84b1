// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// XXH3 of much, by the widest registers that the processor has; the result is the same.
#pragma once

#include <cstddef>
#include <cstdint>

namespace pms {

struct LongHash {
    // Of more than 240 bytes. Beyond these XXH3 mixes the seed into a secret of 192 bytes first, so each thread keeps
    // the secret of the seed it used last.
    std::uint64_t (*hash)(const void *data, std::size_t size, std::uint64_t seed) noexcept;
    // Of any number of bytes, which it copies first: from `from`, which is read once.
    std::uint64_t (*copy_and_hash)(void *to, const void *from, std::size_t size, std::uint64_t seed) noexcept;
    // x86-64: of more than 240 bytes, which it stores around the caches, padded with zeros to a multiple of 8. They are
    // durable by this thread's next fence. `to` is a multiple of 8. `from` is read once, byte by byte stored and
    // hashed.
    std::uint64_t (*stream_and_hash)(void *to, const void *from, std::size_t size, std::uint64_t seed) noexcept;
    // The same of bytes that arrive in pieces: adds some to an XXH3_state_t.
    void (*add)(void *state, const void *data, std::size_t size) noexcept;
};
extern const LongHash long_hash; // chosen when the library is loaded

} // namespace pms
