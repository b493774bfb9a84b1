// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// Reserving, publishing and aborting.

#include "stream/stream.hpp"

namespace pms {
namespace {

constexpr std::uint64_t cache_line = 64;

} // namespace

Error Stream::reserve(std::uint64_t region_offset, Region *region, std::uint64_t size, std::uint64_t &entry,
                      void *&data)
{
    const Found found = find_to_write(region_offset, region);
    if (failed(found.error))
        return found.error;
    region = found.region;
    const std::lock_guard guard(region->mutex());
    if (const Error error = region->writable(region_offset); failed(error))
        return error;
    if (const Error error = make_room(*region, size); failed(error))
        return error;
    if (const Error error = region->prepare_take(committed()); failed(error))
        return error;
    entry = region->tail();
    region->take(format::record_length(size), Region::Pending::Kind::reserved);
    // What an earlier life of the space left there must not look like an entry.
    medium_.zero(entry, format::record_header_size);
    data = medium_.writable(entry + format::record_header_size, size);
    return Error::none;
}

Error Stream::publish(std::uint64_t region_offset, Region *region, std::uint64_t entry, std::uint64_t size,
                      bool wait_for_it)
{
    const Found found = find_to_write(region_offset, region);
    if (failed(found.error))
        return found.error;
    region = found.region;
    {
        const std::lock_guard guard(region->mutex());
        if (const Error error = region->writable(region_offset); failed(error))
            return error;
        if (const Error error = begin_publish(*region, entry, size); failed(error))
            return error;
    }
    // The region lives until this is finished.
    const std::uint64_t data = entry + format::record_header_size;
    medium_.written(data, size);
    const std::uint64_t data_hash = format::data_hash(medium_.at(data), size, region->seed());
    const Write write = wait_for_it && !appends_are_cached_ ? Write::flushed : Write::cached;
    Flush flush(medium_);
    // The header's line, with what it holds of the data, is flushed once, when the header is there. So is all of a
    // small entry: the mutex waits for what is being flushed, as a fence does.
    const std::uint64_t second_line = align_up(data, cache_line);
    if (write == Write::flushed && size > Medium::one_fence_entry)
        flush.add(second_line, data + size - second_line);
    const Placed placed = finish(write, *region, entry, size, data_hash, flush);
    return wait_for_it ? wait_appended(placed, nullptr) : appended(placed, nullptr);
}

Error Stream::begin_publish(Region &region, std::uint64_t entry, std::uint64_t size)
{
    Region::Pending *reservation = region.reservation(entry);
    if (reservation == nullptr)
        return Error::no_reservation;
    if (commit_.exhausted())
        return Error::timestamps_exhausted;
    const bool last = region.is_last(*reservation);
    if (!checked(size <= format::max_entry_size))
        return last ? Error::region_full : Error::publish_too_large;
    const std::uint64_t end = entry + format::record_length(size);
    if (end > reservation->end) {
        if (!last)
            return Error::publish_too_large;
        if (const Error error = make_room_for_length(region, end - reservation->end); failed(error))
            return error;
        region.resize_last(end);
    }
    region.write(*reservation);
    return Error::none;
}

Error Stream::abort(std::uint64_t region_offset, Region *region, std::uint64_t entry)
{
    const Found found = find_to_write(region_offset, region);
    if (failed(found.error))
        return found.error;
    region = found.region;
    const std::lock_guard guard(region->mutex());
    if (const Error error = region->writable(region_offset); failed(error))
        return error;
    Region::Pending *reservation = region->reservation(entry);
    if (reservation == nullptr)
        return Error::no_reservation;
    region->cancel(*reservation);
    return Error::none;
}

} // namespace pms
