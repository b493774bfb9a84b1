// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// A stream on a simulated image, through the C API.
#pragma once

#include "libpmemstream.h"
#include "medium/simulated_image.hpp"

#include <gtest/gtest.h>

#include <cerrno>
#include <cstring>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace pms {

// timestamp -> data, of all regions
using Content = std::map<std::uint64_t, std::string>;

class SimStream {
public:
    explicit SimStream(SimulatedImage &image, std::size_t block_size = 64) : image_(image)
    {
        if (pmemstream_from_map(&stream_, block_size, image.map()) != 0)
            ADD_FAILURE() << "from_map: " << pmemstream_errormsg();
    }
    // One that was opened otherwise.
    SimStream(SimulatedImage &image, pmemstream *opened) : image_(image), stream_(opened) {}
    ~SimStream() { close(); }
    SimStream(const SimStream &) = delete;
    SimStream &operator=(const SimStream &) = delete;

    void close() { pmemstream_delete(&stream_); }
    // kill -9: nothing is closed, nothing more is written to the image until somebody revives it.
    void abandon()
    {
        image_.kill();
        close();
    }
    pmemstream *get() const { return stream_; }

    pmemstream_region allocate(std::size_t size)
    {
        pmemstream_region region{UINT64_MAX};
        EXPECT_EQ(pmemstream_region_allocate(stream_, size, &region), 0) << pmemstream_errormsg();
        return region;
    }
    pmemstream_entry append(pmemstream_region region, const std::string &data)
    {
        pmemstream_entry entry{UINT64_MAX};
        EXPECT_EQ(pmemstream_append(stream_, region, nullptr, data.data(), data.size(), &entry), 0)
            << pmemstream_errormsg();
        return entry;
    }
    pmemstream_entry async_append(pmemstream_region region, const std::string &data)
    {
        pmemstream_entry entry{UINT64_MAX};
        EXPECT_EQ(pmemstream_async_append(stream_, nullptr, region, nullptr, data.data(), data.size(), &entry), 0)
            << pmemstream_errormsg();
        return entry;
    }
    pmemstream_entry reserve(pmemstream_region region, std::size_t size, const std::string &data)
    {
        pmemstream_entry entry{UINT64_MAX};
        void *place = nullptr;
        EXPECT_EQ(pmemstream_reserve(stream_, region, nullptr, size, &entry, &place), 0) << pmemstream_errormsg();
        if (place != nullptr)
            std::memcpy(place, data.data(), data.size());
        return entry;
    }
    void publish(pmemstream_region region, pmemstream_entry entry, std::size_t size)
    {
        EXPECT_EQ(pmemstream_publish(stream_, region, nullptr, entry, size), 0) << pmemstream_errormsg();
    }
    int wait_persisted(std::uint64_t timestamp)
    {
        auto future = pmemstream_async_wait_persisted(stream_, timestamp);
        while (future_poll(FUTURE_AS_RUNNABLE(&future), nullptr) != FUTURE_STATE_COMPLETE) {
        }
        return future.output.error_code;
    }

    std::vector<pmemstream_region> regions() const
    {
        std::vector<pmemstream_region> regions;
        pmemstream_region_iterator *iterator = nullptr;
        EXPECT_EQ(pmemstream_region_iterator_new(&iterator, stream_), 0);
        for (pmemstream_region_iterator_seek_first(iterator); pmemstream_region_iterator_is_valid(iterator) == 0;
             pmemstream_region_iterator_next(iterator))
            regions.push_back(pmemstream_region_iterator_get(iterator));
        pmemstream_region_iterator_delete(&iterator);
        return regions;
    }

    std::string data(pmemstream_entry entry) const
    {
        const auto *bytes = static_cast<const char *>(pmemstream_entry_data(stream_, entry));
        return bytes == nullptr ? "(none)" : std::string(bytes, pmemstream_entry_size(stream_, entry));
    }

    // What an iterator shows of one region, in its order.
    std::vector<std::string> entries(pmemstream_region region) const
    {
        std::vector<std::string> found;
        each(region, [&](pmemstream_entry entry) { found.push_back(data(entry)); });
        return found;
    }

    Content content() const
    {
        Content content;
        for (const pmemstream_region region : regions())
            each(region, [&](pmemstream_entry entry) {
                const bool fresh = content.emplace(pmemstream_entry_timestamp(stream_, entry), data(entry)).second;
                EXPECT_TRUE(fresh) << "a timestamp twice";
            });
        return content;
    }

    std::uint64_t persisted() const { return pmemstream_persisted_timestamp(stream_); }

    pmemstream_info info() const
    {
        pmemstream_info info = {};
        EXPECT_EQ(pmemstream_get_info(stream_, &info, sizeof info), 0);
        return info;
    }

    std::vector<std::string> damages() const
    {
        std::vector<std::string> found;
        const auto note = [](const pmemstream_damage *damage, void *arg) {
            static_cast<std::vector<std::string> *>(arg)->push_back(std::to_string(damage->offset) + ": " +
                                                                    damage->what);
            return 0;
        };
        EXPECT_EQ(pmemstream_verify(stream_, note, &found, nullptr), 0);
        return found;
    }

private:
    template <typename F>
    void each(pmemstream_region region, F f) const
    {
        pmemstream_entry_iterator *iterator = nullptr;
        ASSERT_EQ(pmemstream_entry_iterator_new(&iterator, stream_, region), 0);
        for (pmemstream_entry_iterator_seek_first(iterator); pmemstream_entry_iterator_is_valid(iterator) == 0;
             pmemstream_entry_iterator_next(iterator))
            f(pmemstream_entry_iterator_get(iterator));
        pmemstream_entry_iterator_delete(&iterator);
    }

    SimulatedImage &image_;
    pmemstream *stream_ = nullptr;
};

inline std::string to_string(Granularity granularity)
{
    switch (granularity) {
    case Granularity::byte:
        return "byte";
    case Granularity::cache_line:
        return "cache_line";
    case Granularity::page:
        break;
    }
    return "page";
}

} // namespace pms
