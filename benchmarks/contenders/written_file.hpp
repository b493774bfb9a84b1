// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// The floor of a file: the same bytes written and synced by nobody's library.
#pragma once

#include "contenders/log.hpp"
#include "medium.hpp"

namespace bench {

// pwrite and fdatasync of each entry, by one thread. `written`: all of the file was written before; else it is only
// allocated.
LogPtr make_written_file(const Disk &disk, bool written);

// So many threads copy their entries into a map of a file that was written before, and the last of them syncs for all.
LogPtr make_group_floor(const Disk &disk, unsigned threads);

} // namespace bench
