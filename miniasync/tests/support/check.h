/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright the pmemstream authors */

/* A check for tests in C, which is there in release builds too. */

#ifndef MINIASYNC_TESTS_CHECK_H
#define MINIASYNC_TESTS_CHECK_H

#include <stdio.h>
#include <stdlib.h>

#define CHECK(condition)                                                                                               \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                                            \
            exit(1);                                                                                                   \
        }                                                                                                              \
    } while (0)

#endif
