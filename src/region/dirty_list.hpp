// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// The regions that have something to be made durable. Intrusive and without allocation, so that waiting cannot fail.
#pragma once

#include "region/region.hpp"

#include <array>
#include <cstdint>
#include <mutex>

namespace pms {

class DirtyList {
public:
    void add(Region &region) noexcept
    {
        const std::lock_guard guard(mutex_);
        if (region.dirty_sequence_ != 0)
            return;
        region.dirty_sequence_ = ++sequence_;
        region.dirty_next_ = nullptr;
        region.dirty_previous_ = last_;
        (last_ == nullptr ? first_ : last_->dirty_next_) = &region;
        last_ = &region;
    }

    void remove(Region &region) noexcept
    {
        const std::lock_guard guard(mutex_);
        if (region.dirty_sequence_ == 0)
            return;
        region.dirty_sequence_ = 0;
        (region.dirty_previous_ == nullptr ? first_ : region.dirty_previous_->dirty_next_) = region.dirty_next_;
        (region.dirty_next_ == nullptr ? last_ : region.dirty_next_->dirty_previous_) = region.dirty_previous_;
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
                for (Region *region = first_; region != nullptr && count < batch.size(); region = region->dirty_next_) {
                    if (region->dirty_sequence_ <= seen)
                        continue;
                    batch[count++] = region;
                }
                if (count == 0)
                    return;
                seen = batch[count - 1]->dirty_sequence_;
            }
            for (std::size_t i = 0; i < count; ++i)
                f(*batch[i]);
        }
    }

private:
    std::mutex mutex_;
    Region *first_ = nullptr;
    Region *last_ = nullptr;
    std::uint64_t sequence_ = 0;
};

} // namespace pms
