// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// Who holds the lock that was refused.
#pragma once

#include <string>

namespace pms {

// The process that holds an open file description lock for writing on the file, as "process 1234 (name)"; empty where
// that cannot be known: fcntl(F_OFD_GETLK) does not tell, /proc tells of the processes that one may look into. Throws
// std::bad_alloc.
std::string lock_holder(int descriptor);

} // namespace pms
