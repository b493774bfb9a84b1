/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright the pmemstream authors */

/* Compiled as C11 and as C++20, with all warnings as errors: each public header is complete alone. */

#include PUBLIC_HEADER
#include PUBLIC_HEADER

int main(void)
{
    return 0;
}
