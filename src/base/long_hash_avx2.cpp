// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// Compiled for processors with AVX2.

#include "base/long_hash_avx2.hpp"

#include "base/long_hash_with.hpp"

namespace pms {

std::uint64_t long_hash_by_avx2(const void *data, std::size_t size, std::uint64_t seed) noexcept
{
    return long_hash_here(data, size, seed);
}

std::uint64_t copy_and_hash_by_avx2(void *to, const void *from, std::size_t size, std::uint64_t seed) noexcept
{
    return copy_and_hash_here(to, from, size, seed);
}

std::uint64_t stream_and_hash_by_avx2(void *to, const void *from, std::size_t size, std::uint64_t seed) noexcept
{
    return stream_and_hash_here(to, from, size, seed);
}

void add_to_hash_by_avx2(void *state, const void *data, std::size_t size) noexcept
{
    add_to_hash_here(state, data, size);
}

} // namespace pms
