// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// XXH3 of much, by the widest registers that the processor has; the result is the same.
#pragma once

#include <cstddef>
#include <cstdint>

namespace pms {

// Of more than 240 bytes. Beyond these XXH3 mixes the seed into a secret of 192 bytes first, so each thread keeps the
// secret of the seed it used last.
std::uint64_t long_hash(const void *data, std::size_t size, std::uint64_t seed) noexcept;

// The same of bytes that arrive in pieces: adds some to an XXH3_state_t.
void add_to_hash(void *state, const void *data, std::size_t size) noexcept;

} // namespace pms
