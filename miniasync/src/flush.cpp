// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

#include "flush.hpp"

#include <cstdint>

#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>
#endif

namespace miniasync {

#if defined(__x86_64__)

namespace {

constexpr std::uintptr_t cache_line = 64;

using flush_lines_fn = void (*)(std::uintptr_t line, std::uintptr_t end);

__attribute__((target("clwb"))) void flush_lines_clwb(std::uintptr_t line, std::uintptr_t end)
{
    for (; line < end; line += cache_line) {
        _mm_clwb(reinterpret_cast<void *>(line));
    }
}

__attribute__((target("clflushopt"))) void flush_lines_clflushopt(std::uintptr_t line, std::uintptr_t end)
{
    for (; line < end; line += cache_line) {
        _mm_clflushopt(reinterpret_cast<void *>(line));
    }
}

void flush_lines_clflush(std::uintptr_t line, std::uintptr_t end)
{
    for (; line < end; line += cache_line) {
        _mm_clflush(reinterpret_cast<void *>(line));
    }
}

// The best instruction there is: clwb keeps the line in the cache, clflush waits for each line in turn.
flush_lines_fn select_flush_lines()
{
    unsigned eax = 0;
    unsigned ebx = 0;
    unsigned ecx = 0;
    unsigned edx = 0;

    if (__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) == 0) {
        return flush_lines_clflush;
    }
    if (ebx & bit_CLWB) {
        return flush_lines_clwb;
    }
    return (ebx & bit_CLFLUSHOPT) ? flush_lines_clflushopt : flush_lines_clflush;
}

} // namespace

bool can_flush() noexcept
{
    return true;
}

void flush(const void *address, std::size_t size) noexcept
{
    static const flush_lines_fn flush_lines = select_flush_lines();
    const auto begin = reinterpret_cast<std::uintptr_t>(address);

    if (size > 0) {
        flush_lines(begin & ~(cache_line - 1), begin + size);
    }
}

void fence() noexcept
{
    _mm_sfence();
}

#else

bool can_flush() noexcept
{
    return false;
}

void flush(const void *, std::size_t) noexcept {}

// There are no stores here that the release store which publishes completion would not order.
void fence() noexcept {}

#endif

} // namespace miniasync
