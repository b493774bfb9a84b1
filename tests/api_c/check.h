/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright the pmemstream authors */

/*
 * What the tests of the C API assert with. A check that fails names its place and ends the program, which is then a
 * failed test.
 */
#ifndef TESTS_API_C_CHECK_H
#define TESTS_API_C_CHECK_H

#include <libpmemstream.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A value of errno that no function sets, to see that it was left alone. */
#define ERRNO_UNTOUCHED 54321

#define CHECK_REPORT(...)                                                                                              \
    do {                                                                                                               \
        fprintf(stderr, "%s:%d: ", __FILE__, __LINE__);                                                                \
        fprintf(stderr, __VA_ARGS__);                                                                                  \
        fprintf(stderr, " (errno %d, \"%s\")\n", errno, pmemstream_errormsg());                                        \
        abort();                                                                                                       \
    } while (0)

#define CHECK(condition)                                                                                               \
    do {                                                                                                               \
        if (!(condition))                                                                                              \
            CHECK_REPORT("failed: %s", #condition);                                                                    \
    } while (0)

#define CHECK_EQUAL(actual, expected)                                                                                  \
    do {                                                                                                               \
        const unsigned long long check_actual = (unsigned long long)(actual);                                          \
        const unsigned long long check_expected = (unsigned long long)(expected);                                      \
        if (check_actual != check_expected)                                                                            \
            CHECK_REPORT("%s is %llu (%#llx), not %llu (%#llx)", #actual, check_actual, check_actual, check_expected,  \
                         check_expected);                                                                              \
    } while (0)

/* The call gives 0 and leaves errno alone. */
#define CHECK_OK(call)                                                                                                 \
    do {                                                                                                               \
        errno = ERRNO_UNTOUCHED;                                                                                       \
        const int check_result = (call);                                                                               \
        if (check_result != 0 || errno != ERRNO_UNTOUCHED)                                                             \
            CHECK_REPORT("%s gave %d", #call, check_result);                                                           \
    } while (0)

/* The call gives `failure`, sets errno to `number`, and there is a sentence. */
#define CHECK_FAILS_WITH(call, failure, number)                                                                        \
    do {                                                                                                               \
        errno = ERRNO_UNTOUCHED;                                                                                       \
        const int check_failed = (call) == (failure);                                                                  \
        if (!check_failed || errno != (number) || pmemstream_errormsg()[0] == '\0')                                    \
            CHECK_REPORT("%s %s, and errno should be %d", #call,                                                       \
                         check_failed ? "failed as it should" : "did not give " #failure, (number));                   \
    } while (0)

/* The call gives exactly -1. */
#define CHECK_FAILS(call, number) CHECK_FAILS_WITH(call, -1, number)

/* The call gives `expected`, which also is what it gives on error, without an error. */
#define CHECK_EQUAL_OK(call, expected)                                                                                 \
    do {                                                                                                               \
        errno = ERRNO_UNTOUCHED;                                                                                       \
        CHECK_EQUAL(call, expected);                                                                                   \
        CHECK_EQUAL(errno, ERRNO_UNTOUCHED);                                                                           \
    } while (0)

#endif
