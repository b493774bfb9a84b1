// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// The other logs and stores, as far as their packages were found when this program was built.
#pragma once

#include "contenders/log.hpp"
#include "medium.hpp"

namespace bench {

inline constexpr std::size_t smallest_pmemlog = std::size_t{2} << 20;

// Null without libpmemlog.
LogPtr make_pmemlog(const Medium &medium);

} // namespace bench
