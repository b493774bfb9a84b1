// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// Regions that something has to be done about. Intrusive and without allocation, so that waiting cannot fail.
#pragma once

#include "region/region.hpp"
#include "sync/sync.hpp"

#include <array>
#include <cstdint>

namespace pms {

// `Place` is the member of Region that links it to its neighbours in the list.
template <RegionLink Region::*Place>
class RegionList {
public:
    void add(Region &region) noexcept
    {
        const std::lock_guard guard(mutex_);
        RegionLink &link = region.*Place;
        if (link.sequence != 0)
            return;
        link = {nullptr, last_, ++sequence_};
        (last_ == nullptr ? first_ : (last_->*Place).next) = &region;
        last_ = &region;
    }

    void remove(Region &region) noexcept
    {
        const std::lock_guard guard(mutex_);
        RegionLink &link = region.*Place;
        if (link.sequence == 0)
            return;
        link.sequence = 0;
        (link.previous == nullptr ? first_ : (link.previous->*Place).next) = link.next;
        (link.next == nullptr ? last_ : (link.next->*Place).previous) = link.previous;
    }

    // Calls f for each region that is in the list throughout, without holding the list's mutex. f may remove the
    // region.
    template <typename F>
    void each(F f)
    {
        // The list is in the order of the sequence, so a batch goes on where the last one ended, whatever was removed
        // between.
        std::uint64_t seen = 0;
        for (;;) {
            std::array<Region *, 64> batch;
            std::size_t count = 0;
            {
                const std::lock_guard guard(mutex_);
                for (Region *region = first_; region != nullptr && count < batch.size();
                     region = (region->*Place).next) {
                    if ((region->*Place).sequence <= seen)
                        continue;
                    batch[count++] = region;
                }
                if (count == 0)
                    return;
                seen = (batch[count - 1]->*Place).sequence;
            }
            for (std::size_t i = 0; i < count; ++i)
                f(*batch[i]);
        }
    }

private:
    sync::mutex mutex_;
    Region *first_ = nullptr;
    Region *last_ = nullptr;
    std::uint64_t sequence_ = 0;
};

} // namespace pms
