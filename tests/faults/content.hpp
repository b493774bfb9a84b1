// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// What a stream shows through the C API.
#pragma once

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

std::vector<pmemstream_region> regions_of(pmemstream *stream);
Content content_of(pmemstream *stream);
pmemstream_info info_of(pmemstream *stream);
std::uint64_t damages_of(pmemstream *stream);

} // namespace faults
