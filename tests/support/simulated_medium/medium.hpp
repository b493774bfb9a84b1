// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// Stands in for src/medium/medium.hpp in the tests: the same class, whose stores go to a SimulatedImage that knows
// which of them a power cut could lose. A program passes the image where a pmem2_map is asked for
// (SimulatedImage::map()).
#pragma once

#include "base/checksum.hpp"
#include "base/error.hpp"
#include "medium/simulated_image.hpp"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <source_location>

struct pmem2_map;

namespace pms {

class Medium {
public:
    using Site = std::source_location;

    // Less than there is really, so that short programs have entries of all kinds.
    static constexpr std::uint64_t one_fence_entry = 20;
    static constexpr std::uint64_t small_entry = 16;

    explicit Medium(pmem2_map *map) noexcept : Medium(*reinterpret_cast<SimulatedImage *>(map)) {}
    explicit Medium(SimulatedImage &image) noexcept : image_(&image) { image.mapped(); }

    const std::byte *base() const noexcept { return image_->cache(); }
    std::uint64_t size() const noexcept { return image_->file_size(); }
    Error grown(std::uint64_t, Site site = Site::current()) noexcept
    {
        return image_->sync_size(site) ? Error::none : Error::medium_failed;
    }
    Granularity granularity() const noexcept { return image_->granularity(); }
    const std::byte *at(std::uint64_t offset) const noexcept { return base() + offset; }
    // Nobody looks at it from elsewhere.
    std::uint64_t *volatile_word(std::uint64_t) noexcept { return nullptr; }
    void prefault() noexcept {}
    bool have_present(std::uint64_t, std::uint64_t) noexcept { return false; }
    void have_word_present(std::uint64_t) const noexcept {}

    std::uint64_t load(std::uint64_t offset) const noexcept { return image_->load(offset); }
    void store(std::uint64_t offset, std::uint64_t value, Site site = Site::current()) noexcept
    {
        image_->store(offset, value, site);
    }
    void store_again(std::uint64_t offset, std::size_t size, Site site = Site::current()) noexcept
    {
        image_->store_again(offset, size, site);
    }
    void copy(std::uint64_t offset, const void *source, std::size_t size, Site site = Site::current()) noexcept
    {
        image_->copy(offset, source, size, SimulatedImage::Path::ordinary, site);
    }
    void zero(std::uint64_t offset, std::size_t size, Site site = Site::current()) noexcept
    {
        image_->copy(offset, nullptr, size, SimulatedImage::Path::ordinary, site);
    }
    void stream(std::uint64_t offset, const void *source, std::size_t size, Site site = Site::current()) noexcept
    {
        image_->copy(offset, source, size, SimulatedImage::Path::non_temporal, site);
    }
    void stream(std::uint64_t offset, std::uint64_t first, std::uint64_t second, Site site = Site::current()) noexcept
    {
        const std::uint64_t words[] = {first, second};
        stream(offset, words, sizeof words, site);
    }
    std::uint64_t stream_and_hash(std::uint64_t offset, const void *source, std::size_t size, std::uint64_t seed,
                                  Site site = Site::current()) noexcept
    {
        const std::size_t words = size / 8 * 8;
        stream(offset, source, words, site);
        if (size != words) {
            std::uint64_t last = 0;
            std::memcpy(&last, static_cast<const std::byte *>(source) + words, size - words);
            stream(offset + words, &last, sizeof last, site);
        }
        return hash(at(offset), size, seed);
    }
    void flush(std::uint64_t offset, std::size_t size, Site site = Site::current()) noexcept
    {
        image_->flush(offset, size, site);
    }
    void fence(Site site = Site::current()) noexcept { image_->fence(site); }
    Error sync(std::uint64_t offset, std::size_t size, Site site = Site::current()) noexcept
    {
        return image_->sync(offset, size, site) ? Error::none : Error::medium_failed;
    }
    void *writable(std::uint64_t offset, std::size_t size) noexcept { return image_->writable(offset, size); }
    void written(std::uint64_t offset, std::size_t size, Site site = Site::current()) noexcept
    {
        image_->written(offset, size, site);
    }

private:
    SimulatedImage *image_;
};

} // namespace pms
