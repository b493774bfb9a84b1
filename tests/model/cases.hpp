// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// Random cases.
#pragma once

#include "command.hpp"

#include <rapidcheck.h>

namespace model {

rc::Gen<Case> cases();

} // namespace model
