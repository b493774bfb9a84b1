// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// Looking at entries: by offset, and one after the other.

#include "stream/stream.hpp"

#include "format/record.hpp"

#include <algorithm>

namespace pms {
[[gnu::flatten]] Error Stream::entry(std::uint64_t offset, EntryView &view) const
{
    const Region *region = offset % format::record_alignment == 0 ? regions_.containing(offset) : nullptr;
    if (region == nullptr)
        return Error::no_entry;
    const std::uint64_t generation = region->generation();
    if (region->damaged())
        return Error::entry_damaged;
    if (offset < region->data_begin() || offset >= region->tail() || skip_at(*region, offset) != nullptr)
        return Error::no_entry;
    const std::uint64_t seed = region->seed();
    const auto record = read_record_header(medium_, seed, offset, region->tail());
    if (!record || !record->holds_data() || record->timestamp > commit_.handed_out())
        return Error::no_entry;
    const std::uint64_t data_offset = offset + format::record_header_size;
    if (options_.check_data && record->timestamp <= committed() &&
        !format::holds(*record, medium_.at(data_offset), seed, offset))
        return Error::entry_damaged;
    if (!lives(*region, generation))
        return Error::no_entry;
    view = {data_offset, record->size, record->timestamp};
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
    commit_.advance();
    const std::lock_guard guard(region.mutex());
    region.settle(committed());
}

Stream::Place Stream::look_behind_visible(Region &region, std::uint64_t offset, std::uint64_t &next) const
{
    if (region.damaged())
        return Place::damaged;
    if (options_.read_only || offset >= region.tail())
        return Place::end;
    settle(region);
    return offset < region.visible_end() ? look(region, offset, next) : Place::end;
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
