// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

#include "region_filler.hpp"

#include <fmt/format.h>

namespace tool {

RegionFiller::RegionFiller(const std::string &path, pmemstream *stream, std::optional<std::uint64_t> bound_to)
    : path_(path), stream_(stream), regions_(list_regions(path, stream)), bound_to_(bound_to), current_(bound_to)
{
    if (bound_to)
        require_region(path_, regions_, *bound_to);
}

std::uint64_t RegionFiller::append(std::string_view data)
{
    pmemstream_entry entry{};
    if (!current_ || !try_append(data, &entry)) {
        if (bound_to_)
            throw Failure(
                fmt::format("{}: region {} has no room for an entry of {} bytes", path_, *bound_to_, data.size()));
        find_room(data.size());
        if (!try_append(data, &entry))
            throw library_failure(path_);
    }

    const std::uint64_t timestamp = pmemstream_entry_timestamp(stream_, entry);
    if (timestamp == PMEMSTREAM_INVALID_TIMESTAMP)
        throw library_failure(path_);
    return timestamp;
}

// False if the region is full.
bool RegionFiller::try_append(std::string_view data, pmemstream_entry *entry)
{
    if (pmemstream_async_append(stream_, nullptr, regions_[*current_], nullptr, data.data(), data.size(), entry) == 0)
        return true;
    if (errno == ENOSPC)
        return false;
    throw library_failure(path_);
}

void RegionFiller::find_room(std::uint64_t entry_size)
{
    const std::uint64_t space = space_of_entry(entry_size);
    for (std::size_t number = 0; number < regions_.size(); ++number) {
        if (pmemstream_region_usable_size(stream_, regions_[number]) >= space) {
            current_ = number;
            return;
        }
    }

    const std::uint64_t size = get_info(path_, stream_).largest_free_size;
    if (size < space)
        throw Failure(fmt::format("{}: the stream has no room for an entry of {} bytes", path_, entry_size));
    pmemstream_region region{};
    if (pmemstream_region_allocate(stream_, size, &region) != 0)
        throw library_failure(path_);
    current_ = regions_.size();
    regions_.push_back(region);
}

} // namespace tool
