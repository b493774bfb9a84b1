// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

#pragma once

#include "workloads/workload.hpp"

#include <string>
#include <vector>

namespace bench {

struct Options {
    Context context;
    std::vector<Workload> workloads;
    std::string json;
    std::string markdown;
    std::string svg;
};

// Exits where there is nothing to run: after --help, --list, and what nobody understands.
Options parse_options(int argc, char **argv);

} // namespace bench
