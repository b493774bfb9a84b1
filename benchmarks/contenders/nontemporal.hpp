// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// Non-temporal stores of a record: a header of 16 bytes and its data, whose size is a multiple of 8.
//
// A line that is stored whole leaves the processor in one piece, and costs least when nothing comes between its stores;
// of a line that the record covers in part only its own bytes are stored, 8 at a time.
#pragma once

#include "contenders/floor.hpp"

#include <cstddef>
#include <cstdint>
#include <cstring>

#if defined(__x86_64__)
#include <immintrin.h>

namespace bench {

// Whole lines, 16 bytes at a time.
struct Stores16 {
    static void lines(std::byte *to, const std::byte *from, std::size_t size) noexcept
    {
        for (; size != 0; size -= line_size, to += line_size, from += line_size) {
            auto *const line = reinterpret_cast<__m128i *>(to);
            const auto *const source = reinterpret_cast<const __m128i *>(from);
            const __m128i a = _mm_loadu_si128(source);
            const __m128i b = _mm_loadu_si128(source + 1);
            const __m128i c = _mm_loadu_si128(source + 2);
            const __m128i d = _mm_loadu_si128(source + 3);
            _mm_stream_si128(line, a);
            _mm_stream_si128(line + 1, b);
            _mm_stream_si128(line + 2, c);
            _mm_stream_si128(line + 3, d);
        }
    }
};

// Whole lines, 32 bytes at a time.
struct Stores32 {
    [[gnu::target("avx")]] static void lines(std::byte *to, const std::byte *from, std::size_t size) noexcept
    {
        for (; size != 0; size -= line_size, to += line_size, from += line_size) {
            auto *const line = reinterpret_cast<__m256i *>(to);
            const auto *const source = reinterpret_cast<const __m256i *>(from);
            const __m256i a = _mm256_loadu_si256(source);
            const __m256i b = _mm256_loadu_si256(source + 1);
            _mm256_stream_si256(line, a);
            _mm256_stream_si256(line + 1, b);
        }
    }
};

struct Header {
    long long word[2];
};

inline long long load_word(const std::byte *from) noexcept
{
    long long word = 0;
    std::memcpy(&word, from, sizeof word);
    return word;
}

inline void stream_word(std::byte *to, long long word) noexcept
{
    _mm_stream_si64(reinterpret_cast<long long *>(to), word);
}

inline void stream_words(std::byte *to, const std::byte *from, std::size_t size) noexcept
{
    for (std::size_t done = 0; done < size; done += 8)
        stream_word(to + done, load_word(from + done));
}

// A line of two words and 48 bytes.
inline void stream_line(std::byte *to, long long first, long long second, const std::byte *rest) noexcept
{
    auto *const line = reinterpret_cast<__m128i *>(to);
    const auto *const source = reinterpret_cast<const __m128i *>(rest);
    const __m128i b = _mm_loadu_si128(source);
    const __m128i c = _mm_loadu_si128(source + 1);
    const __m128i d = _mm_loadu_si128(source + 2);
    _mm_stream_si128(line, _mm_set_epi64x(second, first));
    _mm_stream_si128(line + 1, b);
    _mm_stream_si128(line + 2, c);
    _mm_stream_si128(line + 3, d);
}

// The record begins at any multiple of 8.
template <typename Stores>
inline void stream_packed(std::byte *to, Header header, const std::byte *data, std::size_t size) noexcept
{
    std::size_t rest = line_size - reinterpret_cast<std::uintptr_t>(to) % line_size; // of the line it begins in
    if (rest == line_size && size >= line_size - 16) {
        stream_line(to, header.word[0], header.word[1], data);
        to += line_size;
        data += line_size - 16;
        size -= line_size - 16;
    } else if (rest == 8 && size >= line_size - 8) {
        stream_word(to, header.word[0]);
        stream_line(to + 8, header.word[1], load_word(data), data + 8);
        to += 8 + line_size;
        data += line_size - 8;
        size -= line_size - 8;
    } else {
        stream_word(to, header.word[0]);
        stream_word(to + 8, header.word[1]);
        to += header_size;
        rest = rest > header_size ? rest - header_size : 0;
        const std::size_t before = rest < size ? rest : size;
        stream_words(to, data, before);
        to += before;
        data += before;
        size -= before;
    }
    const std::size_t whole = size / line_size * line_size;
    if (whole != 0)
        Stores::lines(to, data, whole);
    stream_words(to + whole, data + whole, size - whole);
}

// The record begins at a line, and the last line is filled up.
template <typename Stores>
inline void stream_full_lines(std::byte *to, Header header, const std::byte *data, std::size_t size) noexcept
{
    alignas(line_size) std::byte last[line_size] = {};
    if (size < line_size - header_size) {
        std::memcpy(last, data, size);
        stream_line(to, header.word[0], header.word[1], last);
        return;
    }
    stream_line(to, header.word[0], header.word[1], data);
    to += line_size;
    data += line_size - header_size;
    size -= line_size - header_size;
    const std::size_t whole = size / line_size * line_size;
    if (whole != 0)
        Stores::lines(to, data, whole);
    if (whole != size) {
        std::memcpy(last, data + whole, size - whole);
        Stores16::lines(to + whole, last, line_size);
    }
}

} // namespace bench

#endif
