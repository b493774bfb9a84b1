// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// Making, closing, reopening, and the crashes.

#include "session.hpp"

#include <algorithm>
#include <array>
#include <map>

namespace model {
namespace {

struct Shape {
    std::uint64_t size;
    std::uint64_t block_size;
};

// The larger ones let regions grow beyond the steps in which the library moves its bounds. Sizes need not be whole
// blocks.
constexpr std::array<Shape, 12> shapes = {{{10240, 64},
                                           {16384, 64},
                                           {40000, 64},
                                           {100000, 256},
                                           {200003, 64},
                                           {300000, 4096},
                                           {600000, 64},
                                           {1 << 20, 4096},
                                           {400000, 64},
                                           {500000, 512},
                                           {700000, 1024},
                                           {3 << 20, 4096}}};

} // namespace

void Session::create()
{
    const Shape &shape = shapes[case_.stream % shapes.size()];
    model_.size = shape.size;
    model_.block_size = shape.block_size;
    store_ = make_store(kind_, Bytes(shape.size));
    open();
    model_.metadata_size = info().metadata_size;
    check(true);
}

void Session::open()
{
    require(pmemstream_from_map(&stream_, model_.block_size, store_->map()) == 0, "from_map");
    committed_ = pmemstream_committed_timestamp(stream_);
    model_.freed.clear();
}

void Session::leave_stream()
{
    held_.release();
    held_timestamps_.clear();
    copying_timestamps_.clear();
    if (follower_)
        pmemstream_entry_iterator_delete(&follower_->iterator);
    follower_.reset();
    pmemstream_region_iterator_delete(&kept_regions_);
    pmemstream_delete(&stream_);
    wait_for_workers();
    held_.forget();
}

void Session::reopen(const Command &command)
{
    leave_stream();
    for (Region &region : model_.regions)
        region.close();
    model_.acknowledged = model_.handed_out;
    // What a close that has returned leaves, no crash can harm. A snapshot that was asked for comes from this store.
    if (command.crash_at == 0 && command.how % 3 != 0) {
        const Crash crash = command.how % 3 == 1 ? Crash::power_cut_losing_all : Crash::power_cut;
        const Bytes content = store_->after(crash, random_);
        store_ = make_store(kind_, content);
    }
    open();
    const pmemstream_info told = info();
    require(told.was_clean == 1, "a stream that was closed is clean");
    require_equal(told.recovered_entries, 0, "entries recovered in a clean stream");
    require_equal(told.dropped_entries, 0, "entries dropped in a clean stream");
    require_equal(told.persisted_timestamp, model_.handed_out, "the timestamp after a clean close");
    settle_tails();
}

Session::Snapshot Session::take_snapshot(Crash crash)
{
    wait_for_workers();
    return {store_->after(crash, random_), model_.acknowledged};
}

void Session::arm(std::uint32_t fence)
{
    fences_left_ = fence;
    // Mostly the one that tears.
    armed_crash_ = static_cast<Crash>(std::min<std::uint64_t>(random_() % 6, 2));
    store_->before_fence([this] {
        if (fences_left_ != 0 && --fences_left_ == 0)
            snapshot_ = take_snapshot(armed_crash_);
    });
}

void Session::crash(const Command &command)
{
    const std::uint32_t nested = command.size % 4;
    const std::uint32_t kind = command.how % 4;
    if (kind < 3)
        return go_on_with(take_snapshot(static_cast<Crash>(kind)), nested);
    wait_for_workers();
    if (!store_->kill())
        return go_on_with(take_snapshot(Crash::kill), nested);
    leave_stream();
    store_->revive();
    if (nested != 0)
        arm(nested);
    open();
    store_->before_fence(nullptr);
    if (snapshot_) {
        const Snapshot left = std::move(*snapshot_);
        snapshot_.reset();
        return go_on_with(left, 0);
    }
    settle_after_crash(model_.acknowledged);
}

void Session::go_on_with(Snapshot snapshot, std::uint32_t nested)
{
    store_->before_fence(nullptr);
    leave_stream();
    for (std::uint32_t i = 0; i < nested; ++i)
        crash_in_recovery(snapshot.content);
    store_ = make_store(kind_, snapshot.content);
    open();
    settle_after_crash(snapshot.acknowledged);
}

void Session::crash_in_recovery(Bytes &content)
{
    const std::unique_ptr<Store> store = make_store(kind_, content);
    const Crash crash = static_cast<Crash>(random_() % 3);
    std::uint64_t fences = random_() % 12 + 1;
    std::optional<Bytes> left;
    store->before_fence([&] {
        if (fences != 0 && --fences == 0)
            left = store->after(crash, random_);
    });
    pmemstream *stream = nullptr;
    require(pmemstream_from_map(&stream, model_.block_size, store->map()) == 0, "from_map, to crash in recovery");
    store->before_fence(nullptr);
    // Behind the last fence nothing is reported yet either.
    if (!left)
        left = store->after(crash, random_);
    pmemstream_delete(&stream);
    content = std::move(*left);
}

void Session::settle_after_crash(std::uint64_t acknowledged)
{
    const std::uint64_t end = pmemstream_persisted_timestamp(stream_);
    require(end >= acknowledged, "entries up to " + std::to_string(acknowledged) +
                                     " were acknowledged, and those behind " + std::to_string(end) + " are lost");
    require(end <= model_.handed_out, "nothing comes from nowhere");
    require_equal(pmemstream_committed_timestamp(stream_), end, "the committed timestamp after a crash");
    decide_regions();
    check_dropped(end);
    for (Region &region : model_.regions)
        region.lose_behind(end);
    settle_tails();
    model_.handed_out = model_.acknowledged = end;
}

void Session::decide_regions()
{
    std::map<std::uint64_t, std::uint64_t> found; // generation -> offset
    pmemstream_region_iterator *iterator = nullptr;
    require(pmemstream_region_iterator_new(&iterator, stream_) == 0, "region_iterator_new");
    pmemstream_region_iterator_seek_first(iterator);
    for (; pmemstream_region_iterator_is_valid(iterator) == 0; pmemstream_region_iterator_next(iterator)) {
        const pmemstream_region region = pmemstream_region_iterator_get(iterator);
        pmemstream_region_info told{};
        require(pmemstream_get_region_info(stream_, region, &told, sizeof told) == 0, "get_region_info");
        found.emplace(told.generation, region.offset);
    }
    pmemstream_region_iterator_delete(&iterator);

    if (undecided_allocation_ && !found.contains(*undecided_allocation_)) {
        std::erase_if(model_.regions,
                      [&](const Region &region) { return region.generation == *undecided_allocation_; });
        // It never was one.
        model_.last_generation = *undecided_allocation_ - 1;
    }
    if (undecided_free_ && found.contains(undecided_free_->generation)) {
        const auto behind =
            std::ranges::upper_bound(model_.regions, undecided_free_->generation, {}, &Region::generation);
        model_.regions.insert(behind, *undecided_free_);
    }
}

// What opening says it dropped are entries that were never acknowledged.
void Session::check_dropped(std::uint64_t end)
{
    const std::uint64_t count = info().dropped_entries;
    for (std::uint64_t n = 0; n < count; ++n) {
        pmemstream_dropped_entry dropped{};
        require(pmemstream_get_dropped_entry(stream_, n, &dropped) == 0, "get_dropped_entry");
        const auto slot = model_.entry_with(dropped.timestamp);
        require(dropped.timestamp > end && slot && slot->begin == dropped.entry.offset &&
                    slot->data->size() == dropped.size,
                "a dropped entry is one that was written and not acknowledged");
    }
}

// What an entry that was published smaller left behind it is free again once nothing lies behind that; when, is open.
void Session::settle_tails()
{
    for (Region &region : model_.regions) {
        if (region.slots.empty() || !region.slots.back().entry())
            continue;
        Slot &last = region.slots.back();
        if (region.end() - pmemstream_region_usable_size(stream_, {region.offset}) == last.entry_end())
            last.end = last.entry_end();
    }
}

} // namespace model
