// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

#include <gtest/gtest.h>

#include <cstdlib>

// As many cases as fit a run of all tests, unless RC_PARAMS asks for more.
int main(int argc, char **argv)
{
    setenv("RC_PARAMS", "max_success=60", 0);
    testing::InitGoogleTest(&argc, argv);
    return RUN_ALL_TESTS();
}
