// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// An image in memory of this process, as a map of libpmem2 with any granularity. Nothing may be touched beside it: the
// pages around it are not there, and AddressSanitizer knows of the rest of its last page.
//
// Not made by libpmem2, whose pmem2_map_from_existing() loses memory at each call, but by the functions of it that the
// library asks about a map.
#pragma once

#include <libpmem2.h>

#include <cstddef>
#include <span>
#include <vector>

struct pmem2_map {
    void *address;
    std::size_t size;
    pmem2_granularity granularity;
};

namespace fuzz {

using Bytes = std::vector<std::byte>;

class MemoryMap {
public:
    MemoryMap(std::span<const std::byte> content, pmem2_granularity granularity);
    ~MemoryMap();
    MemoryMap(const MemoryMap &) = delete;
    MemoryMap &operator=(const MemoryMap &) = delete;

    pmem2_map *map() { return &map_; }
    std::span<const std::byte> bytes() const { return {base(), map_.size}; }
    Bytes copy() const { return {base(), base() + map_.size}; }
    // From here on a store is a fault, or is not.
    void forbid_stores(bool forbidden);

private:
    std::byte *base() const { return static_cast<std::byte *>(map_.address); }

    std::size_t pages_; // the bytes in the pages that hold it
    pmem2_map map_;
};

} // namespace fuzz
