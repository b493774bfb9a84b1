// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// The disk under a map, whose syncs may fail: the process's msync() is one that writes to it. Linux drops what a failed
// writeback should have written: its pages are clean then, and written again only when something is stored to them.
#pragma once

#include <libpmem2.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

namespace faults {

// One at a time.
class Disk {
public:
    // The map and the disk hold the same. Of the syncs the n-th fails; 0: none does.
    Disk(pmem2_map *map, std::uint64_t failing_sync);
    ~Disk();
    Disk(const Disk &) = delete;
    Disk &operator=(const Disk &) = delete;

    // What is left when power is lost: of each sector that was not synced, the old content or the new, at random. 0:
    // the old.
    std::string after_power_cut(std::uint64_t seed) const;
    // Called inside the sync that fails, before it is known to.
    void when_failing(std::function<void()> call);
    std::uint64_t syncs() const;
    // No sync fails any more.
    void heal();
};

} // namespace faults
