// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

#include "base/long_hash.hpp"

#include "base/long_hash_with.hpp"

#if defined(__x86_64__)
#include "base/long_hash_avx2.hpp"
#endif

namespace pms {
namespace {

LongHash chosen() noexcept
{
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx2") != 0)
        return {long_hash_by_avx2, copy_and_hash_by_avx2, stream_and_hash_by_avx2, add_to_hash_by_avx2};
    return {long_hash_here, copy_and_hash_here, stream_and_hash_here, add_to_hash_here};
#else
    return {long_hash_here, copy_and_hash_here, nullptr, add_to_hash_here};
#endif
}

} // namespace

// Before the constructors of a program that the library is linked into, which may use it.
[[gnu::init_priority(101)]] const LongHash long_hash = chosen();

} // namespace pms
