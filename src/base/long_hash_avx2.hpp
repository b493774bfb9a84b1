// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// The functions of long_hash.hpp for processors with AVX2.
#pragma once

#include <cstddef>
#include <cstdint>

namespace pms {

std::uint64_t long_hash_by_avx2(const void *data, std::size_t size, std::uint64_t seed) noexcept;
std::uint64_t copy_and_hash_by_avx2(void *to, const void *from, std::size_t size, std::uint64_t seed) noexcept;
std::uint64_t stream_and_hash_by_avx2(void *to, const void *from, std::size_t size, std::uint64_t seed) noexcept;
void add_to_hash_by_avx2(void *state, const void *data, std::size_t size) noexcept;

} // namespace pms
