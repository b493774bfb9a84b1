// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// Lets each test of a checksum pass whatever it finds, one at a time: the sweep must notice.
#pragma once

namespace damage {

// Prints what became of each. An exit code.
int try_mutants(int workers);

} // namespace damage
