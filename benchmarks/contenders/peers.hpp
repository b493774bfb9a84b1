// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// The other logs and stores, as far as their packages were found when this program was built.
#pragma once

#include "contenders/log.hpp"
#include "medium.hpp"

namespace bench {

// Null without libpmemlog.
LogPtr make_pmemlog(const Medium &medium);

} // namespace bench
