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
};

Machine this_machine();

// How busy others keep the machine, from its construction on.
class Others {
public:
    Others();
    // How many cores they used on average.
    double cores() const;

private:
    double begin_;
    double busy_;
    double own_;
};

} // namespace bench
