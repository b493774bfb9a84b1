// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

#include "base/long_hash.hpp"

#include "base/long_hash_with.hpp"

#if defined(__x86_64__)
#include "base/long_hash_avx2.hpp"
#endif

namespace pms {
namespace {

#if defined(__x86_64__)
bool use_avx2() noexcept
{
    static const bool has_avx2 = __builtin_cpu_supports("avx2") != 0;
    return has_avx2;
}
#endif

} // namespace

std::uint64_t long_hash(const void *data, std::size_t size, std::uint64_t seed) noexcept
{
#if defined(__x86_64__)
    if (use_avx2())
        return long_hash_by_avx2(data, size, seed);
#endif
    return long_hash_here(data, size, seed);
}

void add_to_hash(void *state, const void *data, std::size_t size) noexcept
{
#if defined(__x86_64__)
    if (use_avx2())
        return add_to_hash_by_avx2(state, data, size);
#endif
    add_to_hash_here(state, data, size);
}

} // namespace pms
