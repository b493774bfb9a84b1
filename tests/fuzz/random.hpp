// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// getrandom(2) with the same bytes in every run, so that an input does the same wherever it is replayed: the only
// thing that the library asks of chance is a new stream's UUID.
#pragma once

namespace fuzz {

void restart_random();

} // namespace fuzz
