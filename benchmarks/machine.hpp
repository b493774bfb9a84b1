// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// Where and when it was measured.
#pragma once

#include <string>

namespace bench {

struct Machine {
    std::string processor;
    unsigned cores;
    std::string kernel;
    std::string date; // UTC
    // How many threads of others ran or waited, in the last minute (the load average).
    double load;
};

Machine this_machine();

// With others on the machine the figures are theirs as well.
inline bool busy(const Machine &machine)
{
    return machine.load > 0.5;
}

} // namespace bench
