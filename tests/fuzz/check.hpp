// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// What a target finds beyond crashes and what sanitizers report.
#pragma once

#include "libpmemstream.h"

#include <cerrno>
#include <cstdio>
#include <cstdlib>

namespace fuzz {

// A finding: the fuzzer keeps the input.
[[noreturn]] inline void finding(const char *what)
{
    std::fprintf(stderr, "FINDING: %s [errno %d, %s]\n", what, errno, pmemstream_errormsg());
    std::abort();
}

inline void check(bool holds, const char *what)
{
    if (!holds)
        finding(what);
}

} // namespace fuzz
