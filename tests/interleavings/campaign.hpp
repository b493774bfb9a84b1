// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// All scenarios on all their media, by several processes.
#pragma once

#include "interleavings/scene.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace interleavings {

const std::vector<Scenario> &scenarios();
// nullptr: there is none.
const Scenario *find_scenario(const std::string &name);
const char *name_of(pms::Granularity granularity);

struct CampaignResult {
    Counters counters;
    std::uint64_t violations = 0;
};

struct Plan {
    bool brief = false;
    std::string scenario; // empty: all
    std::uint64_t seed = 1;
    int workers = 2;
};

// Prints a line for each scenario on each medium, and all about each violation.
CampaignResult run_campaign(const Plan &plan);

} // namespace interleavings
