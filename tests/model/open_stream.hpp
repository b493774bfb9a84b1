// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// What the smaller properties share: opening a stream in an image, and reading all of it.
#pragma once

#include "data.hpp"

#include "medium/simulated_image.hpp"

#include <libpmemstream.h>

#include <map>
#include <memory>
#include <stdexcept>
#include <string>

namespace model {

constexpr pms::Granularity all_granularities[] = {pms::Granularity::byte, pms::Granularity::cache_line,
                                                  pms::Granularity::page};

inline void must(bool holds, const char *what)
{
    if (!holds)
        throw std::runtime_error(std::string(what) + " [" + pmemstream_errormsg() + "]");
}

class OpenStream {
public:
    OpenStream(const Bytes &content, pms::Granularity granularity, std::size_t block_size)
        : image(std::make_unique<pms::SimulatedImage>(content, granularity))
    {
        must(pmemstream_from_map(&stream, block_size, image->map()) == 0, "from_map");
    }
    OpenStream(const OpenStream &) = delete;
    OpenStream &operator=(const OpenStream &) = delete;
    ~OpenStream() { pmemstream_delete(&stream); }

    std::uint64_t allocate(std::size_t size)
    {
        pmemstream_region region{};
        must(pmemstream_region_allocate(stream, size, &region) == 0, "region_allocate");
        return region.offset;
    }

    struct Entry {
        std::uint64_t region;
        std::uint64_t offset;
        Bytes bytes;
        bool operator==(const Entry &) const = default;
    };
    // Every entry that is visible, by its timestamp.
    std::map<std::uint64_t, Entry> entries()
    {
        std::map<std::uint64_t, Entry> all;
        pmemstream_region_iterator *regions = nullptr;
        must(pmemstream_region_iterator_new(&regions, stream) == 0, "region_iterator_new");
        pmemstream_region_iterator_seek_first(regions);
        for (; pmemstream_region_iterator_is_valid(regions) == 0; pmemstream_region_iterator_next(regions)) {
            const pmemstream_region region = pmemstream_region_iterator_get(regions);
            pmemstream_entry_iterator *iterator = nullptr;
            must(pmemstream_entry_iterator_new(&iterator, stream, region) == 0, "entry_iterator_new");
            pmemstream_entry_iterator_seek_first(iterator);
            for (; pmemstream_entry_iterator_is_valid(iterator) == 0; pmemstream_entry_iterator_next(iterator)) {
                const pmemstream_entry entry = pmemstream_entry_iterator_get(iterator);
                const auto *data = static_cast<const std::byte *>(pmemstream_entry_data(stream, entry));
                const bool first = all.emplace(pmemstream_entry_timestamp(stream, entry),
                                               Entry{region.offset, entry.offset,
                                                     Bytes(data, data + pmemstream_entry_size(stream, entry))})
                                       .second;
                must(first, "two entries have the same timestamp");
            }
            pmemstream_entry_iterator_delete(&iterator);
        }
        pmemstream_region_iterator_delete(&regions);
        return all;
    }
    void verify()
    {
        pmemstream_verify_result result{};
        must(pmemstream_verify(stream, nullptr, nullptr, &result) == 0 && result.damages == 0, "verify");
    }

    std::unique_ptr<pms::SimulatedImage> image;
    pmemstream *stream = nullptr;
};

} // namespace model
