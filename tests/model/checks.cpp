// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// Comparing the stream with its model.

#include "session.hpp"

#include <cerrno>
#include <cstring>

namespace model {

pmemstream_info Session::info() const
{
    pmemstream_info told{};
    require(pmemstream_get_info(stream_, &told, sizeof told) == 0, "get_info");
    return told;
}

std::uint64_t Session::first_held() const
{
    return held_timestamps_.empty() ? 0 : *std::ranges::min_element(held_timestamps_);
}

void Session::check(bool verify)
{
    const pmemstream_info told = info();
    require_equal(told.size, model_.size, "the stream's size");
    require_equal(told.block_size, model_.block_size, "the block size");
    require_equal(told.region_count, model_.regions.size(), "the number of regions");
    if (told.damage_count != 0)
        check_verify(); // which names them
    require_equal(told.damage_count, 0, "damages found by opening");
    require_equal(told.free_size, model_.free_size(), "free space");
    const std::uint64_t longest = model_.longest_free();
    require_equal(told.largest_free_size, longest > header_size ? longest - header_size : 0, "the largest free size");

    const std::uint64_t persisted = pmemstream_persisted_timestamp(stream_);
    const std::uint64_t committed = pmemstream_committed_timestamp(stream_);
    require(persisted >= model_.acknowledged, "the persisted timestamp never falls");
    require(committed >= persisted && committed >= committed_, "the committed timestamp never falls");
    require(committed <= model_.handed_out, "no timestamp without its entry");
    std::uint64_t complete = model_.handed_out;
    for (const std::uint64_t copying : copying_timestamps_)
        complete = std::min(complete, copying - 1);
    if (first_held() != 0) {
        complete = std::min(complete, first_held() - 1);
        require(committed < first_held(), "what is not copied is not committed");
    }
    require(committed >= complete, "what is copied is committed");
    committed_ = committed;
    acknowledge(persisted);

    check_regions(told);
    for (const Region &region : model_.regions) {
        check_region(region);
        check_entries(region);
    }
    check_follower();
    if (verify)
        check_verify();
}

void Session::check_regions(const pmemstream_info &told) const
{
    std::uint64_t taken = told.metadata_size + told.free_size;
    pmemstream_region_iterator *iterator = nullptr;
    require(pmemstream_region_iterator_new(&iterator, stream_) == 0, "region_iterator_new");
    require(pmemstream_region_iterator_is_valid(iterator) == -1, "a new region iterator is invalid");
    pmemstream_region_iterator_seek_first(iterator);
    for (const Region &region : model_.regions) {
        require(pmemstream_region_iterator_is_valid(iterator) == 0, "every region is listed");
        require_equal(pmemstream_region_iterator_get(iterator).offset, region.offset, "the order of the regions");
        taken += region.size + header_size;
        pmemstream_region_iterator_next(iterator);
    }
    require(pmemstream_region_iterator_is_valid(iterator) == -1, "no region comes from nowhere");
    pmemstream_region_iterator_delete(&iterator);
    require(taken <= model_.size && model_.size - taken < model_.block_size, "space is neither lost nor made");
}

void Session::check_region(const Region &region) const
{
    require_equal(pmemstream_region_size(stream_, {region.offset}), region.size, "a region's size");
    errno = 0;
    require_equal(pmemstream_region_usable_size(stream_, {region.offset}), region.usable(), "a region's usable size");
    require_equal(static_cast<std::uint64_t>(errno), 0, "errno of usable_size");
    pmemstream_region_info told{};
    require(pmemstream_get_region_info(stream_, {region.offset}, &told, sizeof told) == 0, "get_region_info");
    require_equal(told.generation, region.generation, "a region's generation");
    require_equal(told.data_offset, region.data_begin(), "where a region's data begins");
    require_equal(told.end_offset, region.tail(), "a region's end");
    require_equal(told.open_reservations, region.open_reservations(), "a region's open reservations");
    require(told.limit_offset >= told.data_offset && told.limit_offset <= region.end(), "a region's limit");
    for (const Slot &slot : region.slots)
        require(!slot.entry() || slot.entry_end() <= told.limit_offset, "no entry lies behind its region's limit");
}

void Session::check_entries(const Region &region)
{
    const std::size_t least = region.visible(committed_).size();
    std::vector<std::uint64_t> found;
    pmemstream_entry_iterator *iterator = nullptr;
    require(pmemstream_entry_iterator_new(&iterator, stream_, {region.offset}) == 0, "entry_iterator_new");
    require(pmemstream_entry_iterator_is_valid(iterator) == -1, "a new entry iterator is invalid");
    pmemstream_entry_iterator_seek_first(iterator);
    for (; pmemstream_entry_iterator_is_valid(iterator) == 0; pmemstream_entry_iterator_next(iterator))
        found.push_back(pmemstream_entry_iterator_get(iterator).offset);
    require_equal(static_cast<std::uint64_t>(errno), ENOENT, "errno at the end of a region");
    // A worker's copy may be completed between any two calls, and what is not the end any more is an entry.
    if (copying_timestamps_.empty())
        require_equal(pmemstream_entry_iterator_get(iterator).offset, UINT64_MAX, "the entry at the end of a region");
    pmemstream_entry_iterator_delete(&iterator);

    // A worker's copy may have been completed meanwhile.
    const std::vector<const Slot *> most = region.visible(pmemstream_committed_timestamp(stream_));
    require(found.size() >= least && found.size() <= most.size(),
            "region at " + std::to_string(region.offset) + ": found " + std::to_string(found.size()) +
                " entries, expected " + std::to_string(least) + " to " + std::to_string(most.size()));
    for (std::size_t i = 0; i < found.size(); ++i)
        require_equal(found[i], most[i]->begin, "the offset of an entry");
    for (const Slot &slot : region.slots) {
        if (slot.entry())
            check_entry(slot);
        else
            require(pmemstream_entry_data(stream_, {slot.begin}) == nullptr, "a reservation is no entry");
    }
}

void Session::check_entry(const Slot &slot) const
{
    const pmemstream_entry entry{slot.begin};
    const std::string where = " of the entry at " + std::to_string(slot.begin);
    errno = 0;
    require_equal(pmemstream_entry_timestamp(stream_, entry), slot.timestamp, "the timestamp", where);
    require_equal(pmemstream_entry_size(stream_, entry), slot.data->size(), "the size", where);
    const void *data = pmemstream_entry_data(stream_, entry);
    require(data == store_->bytes() + slot.begin + 16, "the place", where);
    require_equal(static_cast<std::uint64_t>(errno), 0, "errno", where);
    if (slot.timestamp <= committed_ && !slot.data->empty())
        require(std::memcmp(data, slot.data->data(), slot.data->size()) == 0, "the bytes", where);
}

void Session::check_follower()
{
    if (follower_) {
        const auto region = std::ranges::find(model_.regions, follower_->generation, &Region::generation);
        if (region == model_.regions.end()) {
            pmemstream_entry_iterator_seek_first(follower_->iterator);
            pmemstream_entry_iterator_next(follower_->iterator);
            require(pmemstream_entry_iterator_is_valid(follower_->iterator) == -1,
                    "an iterator on a freed region is invalid");
            pmemstream_entry_iterator_delete(&follower_->iterator);
            follower_.reset();
            return;
        }
        if (!follower_->sought) {
            pmemstream_entry_iterator_seek_first(follower_->iterator);
            follower_->sought = pmemstream_entry_iterator_is_valid(follower_->iterator) == 0;
        }
        for (; pmemstream_entry_iterator_is_valid(follower_->iterator) == 0; ++follower_->seen) {
            // Looked up anew for each entry: a worker's copy may be completed between any two calls.
            const auto most = region->visible(pmemstream_committed_timestamp(stream_));
            require(follower_->seen < most.size() &&
                        pmemstream_entry_iterator_get(follower_->iterator).offset == most[follower_->seen]->begin,
                    "an iterator at the end goes on with the next entry");
            pmemstream_entry_iterator_next(follower_->iterator);
        }
        require(follower_->seen >= region->visible(committed_).size(), "an iterator at the end misses no entry");
    } else if (!model_.regions.empty()) {
        const Region &region = model_.regions.back();
        follower_ = {nullptr, region.generation, false, 0};
        require(pmemstream_entry_iterator_new(&follower_->iterator, stream_, {region.offset}) == 0,
                "entry_iterator_new");
    }
}

void Session::check_verify() const
{
    const auto tell = [](const pmemstream_damage *damage, void *arg) {
        *static_cast<std::string *>(arg) = std::string(damage->what) + " at " + std::to_string(damage->offset);
        return 0;
    };
    std::string what;
    pmemstream_verify_result result{};
    require(pmemstream_verify(stream_, tell, &what, &result) == 0, "verify");
    require(result.damages == 0, "verify finds damage: " + what);
    std::uint64_t least = 0;
    for (const Region &region : model_.regions)
        least += region.visible(committed_).size();
    require(result.entries >= least, "verify counts every entry");
}

} // namespace model
