// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// Calls with any argument at all: they fail, or only look, and change nothing. The comparison behind the command tells.

#include "session.hpp"

#include <cerrno>
#include <cstring>

namespace model {
namespace {

// A buffer of any size for a structure: nothing is written behind that.
template <typename Get>
void fill_structure(std::size_t size, bool may_work, int otherwise, Get get)
{
    unsigned char buffer[400];
    std::memset(buffer, 0xa5, sizeof buffer);
    const int result = get(buffer, size);
    if (may_work && size != 0)
        require(result == 0, "a structure of any size is filled");
    else
        require_failure(result, size == 0 ? EINVAL : otherwise, "filling a structure");
    for (std::size_t i = result == 0 ? size : 0; i < sizeof buffer; ++i)
        require(buffer[i] == 0xa5, "nothing is written behind a structure's size");
}

void wake_nobody(void *) {}

} // namespace

void Session::wild_calls(const Command &command)
{
    const pmemstream_region region{wild_offset(command)};
    switch (command.how % 6) {
    case 0:
        return wild_region_calls(region, command);
    case 1:
        return wild_waits(command);
    case 2:
        return wild_infos(region, command);
    case 3:
        return null_calls();
    case 4:
        return move_kept_regions();
    default:
        break;
    }
    // Where nothing is known to be an entry something may look like one; then it lies in the map.
    const pmemstream_entry entry{region.offset};
    const auto *data = static_cast<const std::byte *>(pmemstream_entry_data(stream_, entry));
    require(data == nullptr || data == store_->bytes() + entry.offset + 16, "where an entry's data lies");
    require(data != nullptr || pmemstream_entry_size(stream_, entry) == 0, "the size of no entry");
    require(data != nullptr || pmemstream_entry_timestamp(stream_, entry) == 0, "the timestamp of no entry");
    require(data == nullptr || pmemstream_entry_size(stream_, entry) <= model_.size - entry.offset - 16,
            "an entry lies in the map");
}

// Near a region's ends or its tail, the stream's, those of 64 bits, or anywhere.
std::uint64_t Session::wild_offset(const Command &command) const
{
    const std::uint64_t by = command.size % 256;
    const Region none;
    const Region &region = model_.regions.empty() ? none : model_.regions[command.where % model_.regions.size()];
    switch (command.how / 6 % 7) {
    case 0:
        return region.offset + by;
    case 1:
        return region.offset - by;
    case 2:
        return region.tail() + by - 128;
    case 3:
        return region.end() - by;
    case 4:
        return model_.size - by;
    case 5:
        return UINT64_MAX - by;
    default:
        return command.size;
    }
}

void Session::wild_region_calls(pmemstream_region region, const Command &command)
{
    const std::uint64_t huge = UINT64_MAX - command.size;
    const Region *found = model_.find(region.offset);
    pmemstream_entry entry{12345};
    void *place = nullptr;
    if (found == nullptr) {
        require_failure(pmemstream_region_free(stream_, region), ENOENT, "freeing what is no region");
        require_failure(pmemstream_append(stream_, region, nullptr, "x", 1, &entry), ENOENT, "append to no region");
        require_failure(pmemstream_async_append(stream_, nullptr, region, nullptr, "x", 1, &entry), ENOENT,
                        "async_append to no region");
        require_failure(pmemstream_reserve(stream_, region, nullptr, 1, &entry, &place), ENOENT,
                        "reserve in no region");
        require_failure(pmemstream_abort(stream_, region, nullptr, {region.offset + 64}), ENOENT, "abort in no region");
        require_failure(pmemstream_publish(stream_, region, nullptr, {region.offset + 64}, 1), ENOENT,
                        "publish in no region");
        require_equal(pmemstream_region_size(stream_, region), 0, "the size of no region");
    } else {
        require_failure(pmemstream_append(stream_, region, nullptr, "x", huge, &entry), ENOSPC, "append of too much");
        require_failure(pmemstream_async_append(stream_, nullptr, region, nullptr, "x", huge, &entry), ENOSPC,
                        "async_append of too much");
        require_failure(pmemstream_async_append(stream_, nullptr, region, nullptr, nullptr, 1, &entry), EINVAL,
                        "async_append of NULL");
        require_failure(pmemstream_reserve(stream_, region, nullptr, huge, &entry, &place), ENOSPC,
                        "reserve of too much");
    }
    // The runtime of one region with another's offset.
    for (const Region &other : model_.regions) {
        if (other.offset == region.offset)
            continue;
        pmemstream_region_runtime *runtime = nullptr;
        require(pmemstream_region_runtime_initialize(stream_, {other.offset}, &runtime) == 0,
                "region_runtime_initialize");
        require_failure(pmemstream_append(stream_, region, runtime, "x", 1, &entry), EINVAL,
                        "append with another region's runtime");
    }
    require(entry.offset == 12345 && place == nullptr, "the out-parameters of failed calls");
}

void Session::wild_waits(const Command &command)
{
    const std::uint64_t timestamp =
        command.where % 4 == 0 ? UINT64_MAX - command.size : model_.handed_out + command.size % 16 - 8;
    future_notifier notifier{};
    notifier.waker = {nullptr, wake_nobody};
    auto future = command.how / 6 % 2 == 0 ? pmemstream_async_wait_committed(stream_, timestamp)
                                           : pmemstream_async_wait_persisted(stream_, timestamp);
    for (std::uint32_t polls = command.where / 4 % 3; polls > 0; --polls) {
        const future_state state =
            future_poll(FUTURE_AS_RUNNABLE(&future), command.how / 12 % 2 == 0 ? nullptr : &notifier);
        require(state != FUTURE_STATE_COMPLETE || future.output.error_code == 0, "a wait's error code");
        require(state != FUTURE_STATE_COMPLETE || timestamp <= model_.handed_out, "a wait for what is not handed out");
        if (state == FUTURE_STATE_COMPLETE)
            return;
    }
    // Dropped half polled, or never.
}

void Session::wild_infos(pmemstream_region region, const Command &command)
{
    const std::size_t size = command.size % 300;
    fill_structure(size, true, EINVAL, [&](unsigned char *buffer, std::size_t bytes) {
        return pmemstream_get_info(stream_, reinterpret_cast<pmemstream_info *>(buffer), bytes);
    });
    const bool live = model_.find(region.offset) != nullptr;
    fill_structure(size, live, ENOENT, [&](unsigned char *buffer, std::size_t bytes) {
        return pmemstream_get_region_info(stream_, region, reinterpret_cast<pmemstream_region_info *>(buffer), bytes);
    });
    pmemstream_dropped_entry dropped{};
    require_failure(pmemstream_get_dropped_entry(stream_, UINT64_MAX - command.where, &dropped), ENOENT,
                    "a dropped entry behind the last");
    pmemstream_entry_iterator *iterator = nullptr;
    const int result = pmemstream_entry_iterator_new(&iterator, stream_, region);
    if (!live)
        return require_failure(result, ENOENT, "an iterator on no region");
    require(result == 0, "an iterator on a region");
    require_failure(pmemstream_entry_iterator_skip_damage(iterator), EINVAL, "skip_damage where there is none");
    pmemstream_entry_iterator_next(iterator);
    require(pmemstream_entry_iterator_is_valid(iterator) == -1, "an iterator that never sought is invalid");
    pmemstream_entry_iterator_delete(&iterator);
}

void Session::null_calls()
{
    pmemstream *none = nullptr;
    const pmemstream_region region{model_.regions.empty() ? 0 : model_.regions.front().offset};
    pmemstream_region_info told{};
    require_failure(pmemstream_from_map(nullptr, 64, store_->map()), EINVAL, "from_map to NULL");
    require_failure(pmemstream_from_map(&none, 64, nullptr), EINVAL, "from_map of NULL");
    for (const std::size_t block_size : {std::size_t{0}, std::size_t{32}, std::size_t{96}, SIZE_MAX})
        require_failure(pmemstream_from_map(&none, block_size, store_->map()), EINVAL,
                        "from_map with a bad block size");
    require_failure(pmemstream_get_info(none, nullptr, 8), EINVAL, "get_info of NULL");
    require_failure(pmemstream_get_region_info(none, region, &told, sizeof told), EINVAL, "get_region_info of NULL");
    require_failure(pmemstream_get_dropped_entry(stream_, 0, nullptr), EINVAL, "get_dropped_entry to NULL");
    require_failure(pmemstream_region_allocate(stream_, 1, nullptr), EINVAL, "region_allocate to NULL");
    require_failure(pmemstream_region_free(none, region), EINVAL, "region_free of NULL");
    require_failure(pmemstream_reserve(stream_, region, nullptr, 1, nullptr, nullptr), EINVAL, "reserve to NULL");
    require_failure(pmemstream_append(none, region, nullptr, "x", 1, nullptr), EINVAL, "append to NULL");
    require_failure(pmemstream_publish(none, region, nullptr, {0}, 0), EINVAL, "publish in NULL");
    require_failure(pmemstream_abort(none, region, nullptr, {0}), EINVAL, "abort in NULL");
    require_failure(pmemstream_region_runtime_initialize(stream_, region, nullptr), EINVAL, "a runtime to NULL");
    require_failure(pmemstream_region_iterator_new(nullptr, stream_), EINVAL, "region_iterator_new to NULL");
    require_failure(pmemstream_entry_iterator_new(nullptr, stream_, region), EINVAL, "entry_iterator_new to NULL");
    require_failure(pmemstream_verify(none, nullptr, nullptr, nullptr), EINVAL, "verify of NULL");
    require(pmemstream_verify(stream_, nullptr, nullptr, nullptr) == 0, "verify that tells nobody");
    require(pmemstream_committed_timestamp(none) == 0 && pmemstream_persisted_timestamp(none) == 0,
            "the timestamps of NULL");
    const auto future = pmemstream_async_wait_persisted(none, 1);
    require(future.base.context.state == FUTURE_STATE_COMPLETE && future.output.error_code == -1, "a wait on NULL");
    pmemstream_delete(nullptr);
    pmemstream_delete(&none);
    pmemstream_entry_iterator_seek_first(nullptr);
    pmemstream_entry_iterator_next(nullptr);
    require_failure(pmemstream_entry_iterator_is_valid(nullptr), EINVAL, "is_valid of NULL");
    pmemstream_region_iterator_seek_first(nullptr);
    pmemstream_region_iterator_next(nullptr);
    require_equal(pmemstream_region_iterator_get(nullptr).offset, UINT64_MAX, "the region of NULL");
}

// An iterator over regions that come and go stands on a live one, or nowhere.
void Session::move_kept_regions()
{
    if (kept_regions_ == nullptr)
        require(pmemstream_region_iterator_new(&kept_regions_, stream_) == 0, "region_iterator_new");
    else
        pmemstream_region_iterator_next(kept_regions_);
    if (pmemstream_region_iterator_is_valid(kept_regions_) != 0)
        pmemstream_region_iterator_seek_first(kept_regions_);
    const std::uint64_t offset = pmemstream_region_iterator_get(kept_regions_).offset;
    require(offset == UINT64_MAX ? model_.regions.empty() : model_.find(offset) != nullptr,
            "an iterator stands on a live region");
}

} // namespace model
