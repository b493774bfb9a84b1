// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// A set of 64-bit hashes that grows: one is looked up at each step of each interleaving.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace interleavings {

class HashSet {
public:
    bool contains(std::uint64_t hash) const { return slots_[place_of(std::max<std::uint64_t>(hash, 1))] != 0; }
    // False if it was there.
    bool insert(std::uint64_t hash)
    {
        hash = std::max<std::uint64_t>(hash, 1);
        std::uint64_t &slot = slots_[place_of(hash)];
        if (slot != 0)
            return false;
        slot = hash;
        if (++size_ * 2 > slots_.size())
            grow();
        return true;
    }

private:
    // Where it is, or would go.
    std::size_t place_of(std::uint64_t hash) const
    {
        std::size_t place = hash & (slots_.size() - 1);
        while (slots_[place] != 0 && slots_[place] != hash)
            place = (place + 1) & (slots_.size() - 1);
        return place;
    }
    void grow()
    {
        std::vector<std::uint64_t> old(slots_.size() * 2);
        old.swap(slots_);
        for (const std::uint64_t hash : old)
            if (hash != 0)
                slots_[place_of(hash)] = hash;
    }

    std::vector<std::uint64_t> slots_ = std::vector<std::uint64_t>(4096);
    std::size_t size_ = 0;
};

} // namespace interleavings
