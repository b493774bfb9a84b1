// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// What has to be durable before a step of a protocol may follow: collects ranges, then waits for all of them at once.
// On byte-addressable media a range is flushed as it is added and wait() fences; on page-granular media wait() syncs
// the span of pages from the first to the last range with one call, since a second call would cost a second flush of
// the device.
#pragma once

#include "base/error.hpp"
#include "medium/medium.hpp"

#include <algorithm>
#include <cstdint>

namespace pms {

class Flush {
public:
    explicit Flush(Medium &medium) noexcept : medium_(medium) {}

    void add(std::uint64_t offset, std::uint64_t size, Medium::Site site = Medium::Site::current()) noexcept
    {
        if (size == 0)
            return;
        if (medium_.granularity() == Granularity::page) {
            begin_ = std::min(begin_, offset);
            end_ = std::max(end_, offset + size);
        } else {
            medium_.flush(offset, size, site);
        }
    }

    // Everything added is durable once this returned none.
    Error wait(Medium::Site site = Medium::Site::current()) noexcept
    {
        if (medium_.granularity() != Granularity::page) {
            medium_.fence(site);
            return Error::none;
        }
        if (begin_ >= end_)
            return Error::none;
        const Error error = medium_.sync(begin_, end_ - begin_, site);
        begin_ = UINT64_MAX;
        end_ = 0;
        return error;
    }

private:
    Medium &medium_;
    std::uint64_t begin_ = UINT64_MAX;
    std::uint64_t end_ = 0;
};

} // namespace pms
