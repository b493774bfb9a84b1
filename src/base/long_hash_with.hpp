// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// The functions of long_hash.hpp as the including file's compile options have it. Everything is local to that file.
#pragma once

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <cstddef>
#include <cstdint>

namespace pms {
namespace {

struct SecretOfSeed {
    alignas(64) unsigned char bytes[XXH3_SECRET_DEFAULT_SIZE];
    std::uint64_t seed;
    bool made;
};

std::uint64_t long_hash_here(const void *data, std::size_t size, std::uint64_t seed) noexcept
{
    static thread_local SecretOfSeed secret;
    if (!secret.made || secret.seed != seed) {
        XXH3_generateSecret_fromSeed(secret.bytes, seed);
        secret.seed = seed;
        secret.made = true;
    }
    return XXH3_64bits_withSecretandSeed(data, size, secret.bytes, sizeof secret.bytes, seed);
}

void add_to_hash_here(void *state, const void *data, std::size_t size) noexcept
{
    XXH3_64bits_update(static_cast<XXH3_state_t *>(state), data, size);
}

} // namespace
} // namespace pms
