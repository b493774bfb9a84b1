// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// The live regions of a stream, found by offset and by generation.
#pragma once

#include "region/region.hpp"
#include "sync/sync.hpp"

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <vector>

namespace pms {

class RegionTable {
public:
    // The live region that begins at `offset`, or nullptr.
    Region *find(std::uint64_t offset) const;
    // The live region that `offset` lies in, or nullptr.
    Region *containing(std::uint64_t offset) const;
    struct Living {
        Region *region; // nullptr: none
        std::uint64_t generation;
    };
    // The live region with the lowest generation above `generation`. It may be freed as soon as this returns; its
    // object then has another generation.
    Living after(std::uint64_t generation) const;
    std::size_t size() const;
    // All live regions, by generation.
    std::vector<Region *> all() const;

    // A region object that no region uses; one released lately is not given, so that a caller who still holds it as a
    // runtime is told that its region is gone, rather than taken to another. Throws std::bad_alloc.
    Region *acquire(Medium &medium, const format::Geometry &geometry);
    void release(Region *region) noexcept;
    // Memory for an entry of the table, taken before what cannot be undone. Throws std::bad_alloc.
    struct Node {
        std::map<std::uint64_t, Region *>::node_type by_offset, by_generation;
    };
    static Node make_node();
    // The region was revived, is about to be retired.
    void insert(Node &&node, Region *region) noexcept;
    void erase(Region *region) noexcept;

private:
    mutable sync::shared_mutex mutex_;
    std::map<std::uint64_t, Region *> by_offset_;
    std::map<std::uint64_t, Region *> by_generation_;
    std::vector<std::unique_ptr<Region>> objects_;
    std::deque<Region *> unused_; // the one released last at the back

    // What was found lately, by a hash of the page asked for. Most look-ups ask for one of a few regions.
    static constexpr std::uint64_t page = 4096;
    static constexpr unsigned found_bits = 8;
    sync::atomic<Region *> &found_at(std::uint64_t offset) const noexcept
    {
        constexpr std::uint64_t golden_ratio = 0x9e3779b97f4a7c15; // Knuth's multiplicative hashing, TAOCP 6.4
        return found_[(offset / page) * golden_ratio >> (64 - found_bits)];
    }
    mutable std::array<sync::atomic<Region *>, 1 << found_bits> found_{};
};

} // namespace pms
