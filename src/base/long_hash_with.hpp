// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// The functions of long_hash.hpp as the including file's compile options have it. Everything is local to that file.
#pragma once

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace pms {
namespace {

struct SecretOfSeed {
    alignas(64) unsigned char bytes[XXH3_SECRET_DEFAULT_SIZE];
    std::uint64_t seed;
    bool made;
};

// Not inlined: it would ask for the address of what is the thread's own at every use.
[[gnu::noinline]] const unsigned char *secret_of(std::uint64_t seed) noexcept
{
    static thread_local SecretOfSeed secret;
    if (!secret.made || secret.seed != seed) {
        XXH3_generateSecret_fromSeed(secret.bytes, seed);
        secret.seed = seed;
        secret.made = true;
    }
    return secret.bytes;
}

std::uint64_t long_hash_here(const void *data, std::size_t size, std::uint64_t seed) noexcept
{
    return XXH3_64bits_withSecretandSeed(data, size, secret_of(seed), XXH3_SECRET_DEFAULT_SIZE, seed);
}

#if defined(__x86_64__)

#if defined(__AVX2__)
using Vector = __m256i;
void stream(unsigned char *to, Vector value) noexcept
{
    _mm256_stream_si256(reinterpret_cast<Vector *>(to), value);
}
template <int i>
long long word_of(Vector value) noexcept
{
    return _mm256_extract_epi64(value, i);
}
// The last `words` of the one, then the first of the other.
template <int words>
Vector across(Vector one, Vector other) noexcept
{
    if constexpr (words == 1)
        return _mm256_permute4x64_epi64(_mm256_blend_epi32(other, one, 0xc0), _MM_SHUFFLE(2, 1, 0, 3));
    else if constexpr (words == 2)
        return _mm256_permute2x128_si256(one, other, 0x21);
    else
        return _mm256_permute4x64_epi64(_mm256_blend_epi32(other, one, 0xfc), _MM_SHUFFLE(0, 3, 2, 1));
}
Vector mixed(Vector sums, Vector data, Vector secret) noexcept
{
    const Vector key = _mm256_xor_si256(data, secret);
    const Vector product = _mm256_mul_epu32(key, _mm256_shuffle_epi32(key, 0x31));
    return _mm256_add_epi64(sums, _mm256_add_epi64(product, _mm256_shuffle_epi32(data, 0x4e)));
}
#else
using Vector = __m128i;
void stream(unsigned char *to, Vector value) noexcept
{
    _mm_stream_si128(reinterpret_cast<Vector *>(to), value);
}
template <int i>
long long word_of(Vector value) noexcept
{
    return _mm_cvtsi128_si64(i == 0 ? value : _mm_unpackhi_epi64(value, value));
}
template <int words>
Vector across(Vector one, Vector other) noexcept
{
    static_assert(words == 1);
    return _mm_castpd_si128(_mm_shuffle_pd(_mm_castsi128_pd(one), _mm_castsi128_pd(other), 1));
}
Vector mixed(Vector sums, Vector data, Vector secret) noexcept
{
    const Vector key = _mm_xor_si128(data, secret);
    const Vector product = _mm_mul_epu32(key, _mm_shuffle_epi32(key, 0x31));
    return _mm_add_epi64(sums, _mm_add_epi64(product, _mm_shuffle_epi32(data, 0x4e)));
}
#endif

constexpr int words_of_vector = sizeof(Vector) / 8;

// The words from `first` to before `end`, one by one, around the caches.
template <int first, int end>
void stream_words(unsigned char *to, Vector value) noexcept
{
    if constexpr (first < end) {
        _mm_stream_si64(reinterpret_cast<long long *>(to), word_of<first>(value));
        stream_words<first + 1, end>(to + 8, value);
    }
}

Vector load(const unsigned char *from) noexcept
{
    Vector value;
    std::memcpy(&value, from, sizeof value);
    return value;
}
void store(unsigned char *to, Vector value) noexcept
{
    std::memcpy(to, &value, sizeof value);
}

// Stores vectors that follow each other around the caches, to where a whole vector is aligned.
struct AlignedStores {
    static void put(unsigned char *to, Vector value) noexcept { stream(to, value); }
    // Behind the last vector, which went to right before `end`.
    static void finish(unsigned char *) noexcept {}
};

// The same to where so many words lie behind the last place of a vector: each store is of the end of one and the
// beginning of the next. A word at a time would be four times the stores, of which a processor holds only some tens.
template <int words>
class StraddlingStores {
public:
    void put(unsigned char *to, Vector value) noexcept
    {
        if (first_) [[unlikely]]
            stream_words<0, words_of_vector - words>(to, value);
        else
            stream(to - 8 * words, across<words>(before_, value));
        first_ = false;
        before_ = value;
    }
    void finish(unsigned char *end) const noexcept
    {
        stream_words<words_of_vector - words, words_of_vector>(end - 8 * words, before_);
    }

private:
    bool first_ = true;
    Vector before_{};
};

// XXH3 takes much in stripes, each with 64 bytes of the secret that begin 8 further, and scrambles its sums when these
// reach the secret's end.
constexpr std::size_t stripe_size = 64;
constexpr std::size_t stripes_per_block = (XXH3_SECRET_DEFAULT_SIZE - stripe_size) / XXH_SECRET_CONSUME_RATE;

// XXH3's long hash with the stores between its steps: each byte is loaded once, and its sums stay in registers, since a
// store to the stack for each stripe would take as long as the data's.
class StreamingStripes {
public:
    explicit StreamingStripes(const unsigned char *secret) noexcept : secret_(secret)
    {
        const xxh_u64 initial[XXH_ACC_NB] = XXH3_INIT_ACC;
        std::memcpy(bytes_, initial, sizeof bytes_);
    }

    // So many stripes, at most up to the end of the block.
    template <typename Stores>
    void take(Stores &stores, unsigned char *to, const unsigned char *from, std::size_t stripes) noexcept
    {
        Stores own = stores; // in registers
        Vector sums[vectors];
        for (std::size_t i = 0; i < vectors; ++i)
            sums[i] = load(bytes_ + i * sizeof(Vector));
        const unsigned char *secret = secret_ + taken_ * XXH_SECRET_CONSUME_RATE;
        taken_ += stripes;
        for (; stripes != 0; --stripes) {
            for (std::size_t i = 0; i < vectors; ++i) {
                const Vector data = load(from + i * sizeof(Vector));
                own.put(to + i * sizeof(Vector), data);
                sums[i] = mixed(sums[i], data, load(secret + i * sizeof(Vector)));
            }
            to += stripe_size;
            from += stripe_size;
            secret += XXH_SECRET_CONSUME_RATE;
        }
        for (std::size_t i = 0; i < vectors; ++i)
            store(bytes_ + i * sizeof(Vector), sums[i]);
        stores = own;
        if (taken_ == stripes_per_block) {
            XXH3_scrambleAcc(bytes_, secret_ + XXH3_SECRET_DEFAULT_SIZE - stripe_size);
            taken_ = 0;
        }
    }
    std::size_t left_in_block() const noexcept { return stripes_per_block - taken_; }

    std::uint64_t finish(const unsigned char *last_stripe, std::size_t size) noexcept
    {
        XXH3_accumulate_512(bytes_, last_stripe,
                            secret_ + XXH3_SECRET_DEFAULT_SIZE - stripe_size - XXH_SECRET_LASTACC_START);
        xxh_u64 sums[XXH_ACC_NB];
        std::memcpy(sums, bytes_, sizeof sums);
        return XXH3_mergeAccs(sums, secret_ + XXH_SECRET_MERGEACCS_START, size * XXH_PRIME64_1);
    }

private:
    static constexpr std::size_t vectors = stripe_size / sizeof(Vector);

    const unsigned char *secret_;
    std::size_t taken_ = 0; // of the block
    alignas(64) unsigned char bytes_[stripe_size];
};

template <typename Stores>
std::uint64_t stream_and_hash_to(unsigned char *target, const unsigned char *source, std::size_t size,
                                 std::uint64_t seed) noexcept
{
    StreamingStripes hash(secret_of(seed));
    Stores stores;
    // The last 64 bytes are hashed once more: a copy is made of them, and of what fills two stripes. First, since what
    // is loaded soon after it was stored, by parts or behind many stores, waits for all of them.
    const std::size_t stripes = (size - 1) / stripe_size;
    const std::size_t rest = size - (stripes - 1) * stripe_size; // more than one stripe, at most two
    alignas(64) unsigned char last[2 * stripe_size]{};
    std::memcpy(last, source + size - rest, rest);
    for (std::size_t left = stripes - 1; left != 0;) {
        const std::size_t now = std::min(left, hash.left_in_block());
        hash.take(stores, target, source, now);
        target += now * stripe_size;
        source += now * stripe_size;
        left -= now;
    }
    hash.take(stores, target, last, 1);
    stores.finish(target + stripe_size);
    for (std::size_t done = stripe_size; done < rest; done += 8) {
        long long word = 0;
        std::memcpy(&word, last + done, sizeof word);
        _mm_stream_si64(reinterpret_cast<long long *>(target + done), word);
    }
    return hash.finish(last + rest - stripe_size, size);
}

std::uint64_t stream_and_hash_here(void *to, const void *from, std::size_t size, std::uint64_t seed) noexcept
{
    auto *const target = static_cast<unsigned char *>(to);
    const auto *const source = static_cast<const unsigned char *>(from);
    switch (reinterpret_cast<std::uintptr_t>(target) % sizeof(Vector) / 8) {
    case 1:
        return stream_and_hash_to<StraddlingStores<1>>(target, source, size, seed);
#if defined(__AVX2__)
    case 2:
        return stream_and_hash_to<StraddlingStores<2>>(target, source, size, seed);
    case 3:
        return stream_and_hash_to<StraddlingStores<3>>(target, source, size, seed);
#endif
    default:
        return stream_and_hash_to<AlignedStores>(target, source, size, seed);
    }
}

#endif

std::uint64_t copy_and_hash_here(void *to, const void *from, std::size_t size, std::uint64_t seed) noexcept
{
    auto *const target = static_cast<unsigned char *>(to);
    const auto *const source = static_cast<const unsigned char *>(from);
    std::size_t done = 0;
#if defined(__x86_64__)
    for (; done + 2 * sizeof(Vector) <= size; done += 2 * sizeof(Vector)) {
        const Vector first = load(source + done);
        const Vector second = load(source + done + sizeof(Vector));
        store(target + done, first);
        store(target + done + sizeof(Vector), second);
    }
#endif
    if (done != size)
        std::memcpy(target + done, source + done, size - done);
    return size > XXH3_MIDSIZE_MAX ? long_hash_here(to, size, seed) : XXH3_64bits_withSeed(to, size, seed);
}

void add_to_hash_here(void *state, const void *data, std::size_t size) noexcept
{
    XXH3_64bits_update(static_cast<XXH3_state_t *>(state), data, size);
}

} // namespace
} // namespace pms
