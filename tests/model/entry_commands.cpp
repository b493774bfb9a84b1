// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// Appending, reserving, publishing.

#include "session.hpp"

#include <algorithm>
#include <cerrno>

namespace model {

Data Session::new_data(std::uint64_t size)
{
    return make_data((static_cast<std::uint64_t>(case_.seed) << 32) + ++data_seed_, size);
}

std::uint64_t Session::size_for(const Region &region, const Command &command) const
{
    const std::uint64_t most = region.usable() < 16 ? 0 : region.usable() - 16;
    switch (command.fit) {
    case Fit::fills: // to the last byte, or to one of the padding
        return most - std::min<std::uint64_t>(most, command.how / 2 % 8);
    case Fit::too_large:
        return command.how % 8 == 0 ? UINT64_MAX - command.size : most + 1 + command.size;
    default:
        return command.size;
    }
}

void Session::add_entry(Region &region, const Data &data)
{
    region.slots.push_back({.begin = region.tail(),
                            .end = region.tail() + length_of(data->size()),
                            .timestamp = ++model_.handed_out,
                            .data = data});
}

void Session::append(const Command &command)
{
    Region *region = choose_region(command);
    if (region == nullptr)
        return;
    const std::uint64_t size = size_for(*region, command);
    const bool fits = size < region->usable() && length_of(size) <= region->usable();
    const Data data = new_data(fits ? size : 1);
    pmemstream_entry entry{12345};
    pmemstream_entry *out = command.how % 4 >= 2 ? &entry : nullptr;
    pmemstream_region_runtime *runtime = runtime_of(*region, command);
    if (!fits) {
        require_failure(pmemstream_append(stream_, {region->offset}, runtime, data->data(), size, out), ENOSPC,
                        "append of more than fits");
        return require_equal(entry.offset, 12345, "the out-parameter of a failed append");
    }
    release_copies();
    // Before the call, so that a crash in it finds the entry in the model.
    add_entry(*region, data);
    const Slot &slot = region->slots.back();
    require(pmemstream_append(stream_, {region->offset}, runtime, size == 0 ? nullptr : data->data(), size, out) == 0,
            "append of what fits");
    if (out != nullptr)
        require_equal(entry.offset, slot.begin, "the offset of an appended entry");
    acknowledge(slot.timestamp);
}

void Session::async_append(const Command &command)
{
    Region *region = choose_region(command);
    if (region == nullptr)
        return;
    const std::uint64_t size = size_for(*region, command);
    const bool fits = size < region->usable() && length_of(size) <= region->usable();
    const Data data = new_data(fits ? size : 1);
    pmemstream_region_runtime *runtime = runtime_of(*region, command);
    if (!fits)
        return require_failure(
            pmemstream_async_append(stream_, nullptr, {region->offset}, runtime, data->data(), size, nullptr), ENOSPC,
            "async_append of more than fits");

    buffers_.push_back(data);
    add_entry(*region, data);
    const Slot &slot = region->slots.back();
    struct vdm *mover = nullptr;
    switch (command.how / 2 % 5) {
    case 0:
    case 1:
        break;
    case 2:
        mover = sync_mover();
        break;
    case 3:
        if (size != 0)
            mover = threads_mover();
        copying_timestamps_.push_back(slot.timestamp);
        break;
    case 4:
        mover = held_.mover();
        if (size != 0)
            held_timestamps_.push_back(slot.timestamp);
        break;
    }
    pmemstream_entry entry{12345};
    require(pmemstream_async_append(stream_, mover, {region->offset}, runtime, data->data(), size, &entry) == 0,
            "async_append of what fits");
    if (mover == threads_mover())
        count_worker_copy();
    require_equal(entry.offset, slot.begin, "the offset of an entry appended asynchronously");
    if (command.how % 16 >= 8)
        held_.copy_half();
}

void Session::reserve(const Command &command)
{
    Region *region = choose_region(command);
    if (region == nullptr)
        return;
    const std::uint64_t size = size_for(*region, command);
    const bool fits = size < region->usable() && length_of(size) <= region->usable();
    pmemstream_entry entry{12345};
    void *place = nullptr;
    const int result =
        pmemstream_reserve(stream_, {region->offset}, runtime_of(*region, command), size, &entry, &place);
    if (!fits) {
        require_failure(result, ENOSPC, "reserve of more than fits");
        return require(entry.offset == 12345 && place == nullptr, "the out-parameters of a failed reserve");
    }
    require(result == 0, "reserve of what fits");
    require_equal(entry.offset, region->tail(), "the offset of a reservation");
    require(static_cast<const std::byte *>(place) == store_->writable_bytes() + entry.offset + 16,
            "where a reservation lies");
    region->slots.push_back(
        {.begin = entry.offset, .end = entry.offset + length_of(size), .data = nullptr, .place = place});
    // Its owner begins to write.
    const Data draft = new_data(size);
    if (size != 0)
        std::copy_n(draft->data(), size, static_cast<std::byte *>(place));
}

std::uint64_t Session::publish_size_for(const Region &region, const Slot &slot, bool last, const Command &command) const
{
    const std::uint64_t reserved = slot.end - slot.begin - 16;
    switch (command.fit) {
    case Fit::fills:
        return reserved + (last ? region.usable() : 0);
    case Fit::too_large:
        return command.how % 8 == 0 ? UINT64_MAX - command.size : reserved + region.usable() + 1 + command.size;
    case Fit::larger:
        return reserved + 1 + command.size % 5000;
    case Fit::plain:
        break;
    }
    return command.how / 2 % 2 == 0 ? reserved : command.size % (reserved + 1);
}

Session::Reservation Session::choose_reservation(const Command &command)
{
    std::vector<Reservation> open;
    for (Region &region : model_.regions)
        for (std::size_t i = 0; i < region.slots.size(); ++i)
            if (region.slots[i].reserved())
                open.push_back({&region, i});
    return open.empty() ? Reservation{nullptr, 0} : open[command.where % open.size()];
}

void Session::abort(const Command &command)
{
    const auto [region, index] = choose_reservation(command);
    if (region == nullptr)
        return;
    const pmemstream_entry entry{region->slots[index].begin};
    require(pmemstream_abort(stream_, {region->offset}, runtime_of(*region, command), entry) == 0,
            "abort of a reservation");
    require_failure(pmemstream_publish(stream_, {region->offset}, nullptr, entry, 0), ENOENT,
                    "publishing what was given back");
    region->slots[index].cancelled = true;
    region->drop_cancelled();
}

void Session::publish(const Command &command, bool wait)
{
    const auto [region, index] = choose_reservation(command);
    if (region == nullptr)
        return;
    Slot &slot = region->slots[index];
    const bool last = index + 1 == region->slots.size();
    const std::uint64_t reserved = slot.end - slot.begin - 16;
    const std::uint64_t size = publish_size_for(*region, slot, last, command);
    pmemstream_region_runtime *runtime = runtime_of(*region, command);
    const auto call = [&] {
        return wait ? pmemstream_publish(stream_, {region->offset}, runtime, {slot.begin}, size)
                    : pmemstream_async_publish(stream_, {region->offset}, runtime, {slot.begin}, size);
    };
    if (size > reserved && (!last || size > region->end() - slot.begin - 16))
        return require_failure(call(), last ? ENOSPC : EINVAL, "publish of more than may be");

    if (wait)
        release_copies();
    const Data data = new_data(size);
    if (size != 0)
        std::copy_n(data->data(), size, static_cast<std::byte *>(slot.place));
    slot.data = data;
    slot.timestamp = ++model_.handed_out;
    if (last)
        slot.end = slot.entry_end();
    require(call() == 0, "publish of a reservation");
    if (wait)
        acknowledge(slot.timestamp);
    require_failure(pmemstream_async_publish(stream_, {region->offset}, nullptr, {slot.begin}, size), ENOENT,
                    "publishing twice");
}

} // namespace model
