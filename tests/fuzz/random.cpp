// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

#include "random.hpp"

#include <cstdint>
#include <cstring>
#include <sys/random.h>

namespace {

std::uint8_t next = 0;

} // namespace

namespace fuzz {

void restart_random()
{
    next = 0;
}

} // namespace fuzz

// Instead of the C library's.
extern "C" ssize_t getrandom(void *buffer, std::size_t size, unsigned)
{
    std::memset(buffer, ++next, size);
    return static_cast<ssize_t>(size);
}
