// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// Who takes part, and how each was told to work.
#pragma once

#include <string>
#include <vector>

namespace bench {

struct Setting {
    std::string contender;
    std::string text;
};

std::vector<Setting> contender_settings();

} // namespace bench
