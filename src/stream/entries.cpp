// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// Looking at entries: by offset, and one after the other.

#include "stream/stream.hpp"

#include "format/record.hpp"

#include <algorithm>

namespace pms {
Error Stream::entry(std::uint64_t offset, EntryView &view) const noexcept
{
    const Region *region = offset % format::record_alignment == 0 ? regions_.containing(offset) : nullptr;
    if (region == nullptr)
        return Error::no_entry;
    const std::uint64_t generation = region->generation();
    if (region->damaged())
        return Error::entry_damaged;
    const std::uint64_t tail = region->tail();
    if (offset < region->data_begin() || offset >= tail || tail - offset < format::record_header_size ||
        skip_at(*region, offset) != nullptr)
        return Error::no_entry;
    const format::RecordHeader header = load_record_header(medium_, offset);
    if (format::entry_length(header, tail - offset, commit_.handed_out()) == 0)
        return Error::no_entry;
    const format::Record record = format::decode(header);
    const std::uint64_t data_offset = offset + format::record_header_size;
    if (options_.check_data && record.timestamp <= committed() &&
        !format::holds(record, medium_.at(data_offset), region->seed(), offset))
        return Error::entry_damaged;
    if (!lives(*region, generation))
        return Error::no_entry;
    view = {data_offset, record.size, record.timestamp};
    return Error::none;
}

bool Stream::still_lives(const Region &region, std::uint64_t generation) const
{
    if (region.damaged())
        return true;
    // What was read before comes before these loads.
    sync::atomic_thread_fence(std::memory_order_acquire);
    const std::uint64_t offset = region.offset();
    const auto span = format::decode_span(medium_.load(offset), format::word_seed(geometry().stream_seed, offset));
    return span && span->kind == format::SpanKind::region && span->size == region.size() &&
           medium_.load(offset + offsetof(format::RegionHeader, generation)) == generation;
}

void Stream::settle(Region &region) const
{
    if (options_.read_only)
        return;
    commit_.catch_up();
    const std::lock_guard guard(region.mutex());
    region.settle(committed());
}

Stream::Place Stream::look(Region &region, std::uint64_t offset, std::uint64_t &next, Known &known) const
{
    if (region.damaged())
        return Place::damaged;
    std::uint64_t end = region.visible_end();
    if (offset >= end) {
        if (options_.read_only || offset >= region.tail())
            return Place::end;
        settle(region);
        end = region.visible_end();
        if (offset >= end)
            return Place::end;
    }
    // The watermark is loaded behind the visible end, so that nothing before that is above it.
    if (!options_.check_data && region.skips.empty())
        known = {end, committed()};
    const Place place = look_at_header(region, offset, end, next);
    const bool whole =
        place != Place::entry || !options_.check_data || find_record(medium_, region.seed(), offset, end).has_value();
    return whole ? place : Place::damaged;
}

Stream::Place Stream::look_at_header(const Region &region, std::uint64_t offset, std::uint64_t end,
                                     std::uint64_t &next) const
{
    if (const Gap *gap = skip_at(region, offset)) {
        next = gap->end;
        return Place::skip;
    }
    const auto record = read_record_header(medium_, region.seed(), offset, end);
    if (!record || record->timestamp > committed())
        return Place::damaged;
    next = offset + record->length();
    return record->holds_data() ? Place::entry : Place::skip;
}

const Gap *Stream::find_skip(const Region &region, std::uint64_t offset)
{
    const auto behind = std::ranges::upper_bound(region.skips, offset, {}, &Gap::begin);
    if (behind == region.skips.begin())
        return nullptr;
    const Gap &gap = *std::prev(behind);
    return offset < gap.end ? &gap : nullptr;
}

std::uint64_t Stream::behind_damage(const Region &region, std::uint64_t offset) const
{
    const std::uint64_t end = region.visible_end();
    if (region.damaged() || offset >= end)
        return end;
    RecordSearch search(medium_, region.seed(), offset, end);
    std::uint64_t from = offset + format::record_alignment;
    while (const auto record = search.next(from)) {
        if (record->timestamp <= committed())
            return record->offset;
        from = record->end;
    }
    return end;
}

} // namespace pms
