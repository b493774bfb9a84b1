// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// What a stream shows through the C API.
#pragma once

#include <gtest/gtest.h>
#include <libpmemstream.h>

#include <cstdint>
#include <map>
#include <ostream>
#include <string>
#include <vector>

namespace faults {

struct Entry {
    std::uint64_t region;
    std::string data;

    bool operator==(const Entry &) const = default;
};
inline std::ostream &operator<<(std::ostream &out, const Entry &entry)
{
    return out << "'" << entry.data.substr(0, 20) << "' in region " << entry.region;
}

using Content = std::map<std::uint64_t, Entry>; // by timestamp

inline std::vector<pmemstream_region> regions_of(pmemstream *stream)
{
    std::vector<pmemstream_region> regions;
    pmemstream_region_iterator *iterator = nullptr;
    EXPECT_EQ(pmemstream_region_iterator_new(&iterator, stream), 0) << pmemstream_errormsg();
    for (pmemstream_region_iterator_seek_first(iterator); pmemstream_region_iterator_is_valid(iterator) == 0;
         pmemstream_region_iterator_next(iterator))
        regions.push_back(pmemstream_region_iterator_get(iterator));
    pmemstream_region_iterator_delete(&iterator);
    return regions;
}

inline Content content_of(pmemstream *stream)
{
    Content content;
    for (const pmemstream_region region : regions_of(stream)) {
        pmemstream_entry_iterator *iterator = nullptr;
        EXPECT_EQ(pmemstream_entry_iterator_new(&iterator, stream, region), 0) << pmemstream_errormsg();
        for (pmemstream_entry_iterator_seek_first(iterator); pmemstream_entry_iterator_is_valid(iterator) == 0;
             pmemstream_entry_iterator_next(iterator)) {
            const pmemstream_entry entry = pmemstream_entry_iterator_get(iterator);
            const auto *data = static_cast<const char *>(pmemstream_entry_data(stream, entry));
            const std::string bytes = data == nullptr ? "" : std::string(data, pmemstream_entry_size(stream, entry));
            const std::uint64_t timestamp = pmemstream_entry_timestamp(stream, entry);
            EXPECT_TRUE(content.emplace(timestamp, Entry{region.offset, bytes}).second) << "a timestamp twice";
        }
        pmemstream_entry_iterator_delete(&iterator);
    }
    return content;
}

inline pmemstream_info info_of(pmemstream *stream)
{
    pmemstream_info info{};
    EXPECT_EQ(pmemstream_get_info(stream, &info, sizeof info), 0) << pmemstream_errormsg();
    return info;
}

inline std::uint64_t damages_of(pmemstream *stream)
{
    pmemstream_verify_result result{};
    EXPECT_EQ(pmemstream_verify(stream, nullptr, nullptr, &result), 0) << pmemstream_errormsg();
    return result.damages;
}

} // namespace faults
