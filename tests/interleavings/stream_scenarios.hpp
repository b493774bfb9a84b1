// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

#pragma once

#include "interleavings/scene.hpp"

namespace interleavings {

std::vector<Scenario> stream_scenarios();

} // namespace interleavings
