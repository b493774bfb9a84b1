// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// Calls that fail, and must change nothing: the comparison behind the command tells.

#include "session.hpp"

#include <cerrno>

namespace model {

void Session::bad_calls(const Command &command)
{
    pmemstream_region out{12345};
    require_failure(pmemstream_region_allocate(stream_, 0, &out), EINVAL, "allocating nothing");
    require_failure(pmemstream_region_allocate(stream_, SIZE_MAX - command.size, &out), ENOSPC, "allocating too much");
    require_equal(out.offset, 12345, "the out-parameter of a failed region_allocate");
    for (const std::uint64_t offset : {std::uint64_t{0}, model_.metadata_size + 8, model_.size, UINT64_MAX})
        if (model_.find(offset) == nullptr)
            require_failure(pmemstream_region_free(stream_, {offset}), ENOENT, "freeing what is no region");
    if (const Region *region = choose_region(command)) {
        require_failure(pmemstream_append(stream_, {region->offset}, nullptr, nullptr, 1, nullptr), EINVAL,
                        "append of NULL");
        require_failure(pmemstream_append(stream_, {region->offset + 8}, nullptr, "x", 1, nullptr), ENOENT,
                        "append to what is no region");
        require_failure(pmemstream_publish(stream_, {region->offset}, nullptr, {region->tail()}, 0), ENOENT,
                        "publishing what is not reserved");
        require_failure(pmemstream_abort(stream_, {region->offset}, nullptr, {region->tail()}), ENOENT,
                        "giving back what is not reserved");
        require_failure(pmemstream_publish(stream_, {region->offset}, nullptr, {region->data_begin() + 1}, 0), ENOENT,
                        "publishing what is not aligned");
        for (const Slot &slot : region->slots)
            if (!slot.reserved())
                require_failure(pmemstream_publish(stream_, {region->offset}, nullptr, {slot.begin}, 0), ENOENT,
                                "publishing what is published");
    }
    bad_look_ups(command);
}

void Session::bad_look_ups(const Command &command)
{
    std::vector<std::uint64_t> offsets = {0, 8, 1, model_.metadata_size, model_.size, model_.size - 8, UINT64_MAX};
    for (const Freed &freed : model_.freed)
        if (std::ranges::none_of(model_.regions, [&](const Region &region) {
                return region.offset < freed.offset + freed.span && freed.offset < region.end();
            }))
            offsets.push_back(freed.offset + header_size);
    for (const Region &region : model_.regions) {
        for (const std::uint64_t place : {std::uint64_t{0}, std::uint64_t{8}, std::uint64_t{56}, std::uint64_t{63}})
            offsets.push_back(region.offset + place);
        if (region.usable() >= 8) {
            offsets.push_back(region.tail());
            offsets.push_back(region.end() - 8);
        }
        for (const Slot &slot : region.slots) {
            offsets.push_back(slot.begin + 1 + command.how % 7);
            if (!slot.entry())
                offsets.push_back(slot.begin);
            else if (slot.end != slot.entry_end())
                offsets.push_back(slot.entry_end());
            if (slot.entry() && slot.data->size() >= 32)
                offsets.push_back(slot.begin + 16 + command.size % (slot.data->size() / 8 - 1) * 8);
        }
    }
    for (const std::uint64_t offset : offsets) {
        const std::string what = " at " + std::to_string(offset) + ", where there is no entry";
        errno = 0;
        require(pmemstream_entry_data(stream_, {offset}) == nullptr && errno == ENOENT, "entry_data", what);
        errno = 0;
        require(pmemstream_entry_size(stream_, {offset}) == 0 && errno == ENOENT, "entry_size", what);
        errno = 0;
        require(pmemstream_entry_timestamp(stream_, {offset}) == 0 && errno == ENOENT, "entry_timestamp", what);
    }
}

} // namespace model
