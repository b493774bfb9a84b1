// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// Reserving and publishing.

#include "stream/stream.hpp"

namespace pms {

Error Stream::reserve(std::uint64_t region_offset, Region *region, std::uint64_t size, std::uint64_t &entry,
                      void *&data)
{
    if (const Error error = writable(); failed(error))
        return error;
    const WakesFutures wakes(commit_);
    std::unique_lock<sync::mutex> lock;
    if (const Error error = lock_region(region_offset, region, lock); failed(error))
        return error;
    if (const Error error = make_room(*region, size); failed(error))
        return error;
    const Region::Pending &pending = region->take(format::record_length(size));
    // What an earlier life of the space left there must not look like an entry.
    medium_.zero(pending.begin, format::record_header_size);
    entry = pending.begin;
    data = medium_.writable(pending.begin + format::record_header_size, size);
    return Error::none;
}

Error Stream::publish(std::uint64_t region_offset, Region *region, std::uint64_t entry, std::uint64_t size,
                      bool wait_for_it)
{
    if (const Error error = writable(); failed(error))
        return error;
    const WakesFutures wakes(commit_);
    std::uint64_t timestamp = 0;
    bool known_lost = false;
    {
        std::unique_lock<sync::mutex> lock;
        if (const Error error = lock_region(region_offset, region, lock); failed(error))
            return error;
        Region::Pending *pending = region->reservation(entry);
        if (pending == nullptr)
            return Error::no_reservation;
        if (const Error error = check_timestamps(); failed(error))
            return error;
        if (!checked(size <= format::max_entry_size))
            return region->is_last(*pending) ? Error::region_full : Error::publish_too_large;
        const std::uint64_t reserved_end = pending->end;
        const std::uint64_t end = entry + format::record_length(size);
        if (end > reserved_end) {
            if (!region->is_last(*pending))
                return Error::publish_too_large;
            if (const Error error = make_room_for_length(*region, end - reserved_end); failed(error))
                return error;
        }
        medium_.written(entry + format::record_header_size, size);

        Flush flush(medium_);
        const bool covered = pending->covered;
        if (region->is_last(*pending)) {
            region->resize_last(end);
        } else {
            if (end < reserved_end) {
                region->fill(end, reserved_end);
                flush.add(end, std::min(reserved_end - end, format::record_header_size));
            }
            // Entries behind it may be acknowledged already. While its filler is overwritten, which takes two words,
            // the hole words hold the chain of records together.
            if (covered) {
                known_lost = region->known_end() != 0;
                region->set_hole(entry, reserved_end, flush);
            }
            if ((covered || end < reserved_end) && failed(flush.wait()))
                return fail();
        }
        // A covered one is durable before the hole words serve another.
        const bool durable = covered || (wait_for_it && medium_.granularity() != Granularity::page);
        region->cover_reservations(entry, durable ? &flush : nullptr);

        const std::uint64_t seed = region->seed();
        const std::uint64_t data_hash = format::data_hash(medium_.at(entry + format::record_header_size), size, seed);
        if (durable)
            flush.add(entry, end - entry);
        timestamp = take_timestamp();
        format::Record record{.kind = format::Kind::entry, .size = size, .timestamp = timestamp};
        record.checksum = format::record_checksum(record, data_hash, seed, entry);
        const format::RecordHeader header = format::encode(record);
        write_record_header(medium_, entry, header);
        region->stamp(*pending, timestamp);
        if (durable) {
            flush.add(entry, sizeof header);
            if (failed(flush.wait())) {
                // Nobody may wait for the mark of a timestamp that was handed out, and nobody may take it for
                // persisted: whoever persists has to sync this, and fails as well.
                add_dirty(*region, entry, end);
                commit_.mark(timestamp, false);
                return fail();
            }
        } else {
            add_dirty(*region, entry, end);
        }
        commit_.mark(timestamp, durable);
        region->settle(committed());
    }
    if (wait_for_it)
        if (const Error error = wait(Stage::persisted, timestamp); failed(error))
            return error;
    // The hole words told what is known durable in the region: the checkpoint tells it now, or they do again.
    if (known_lost)
        static_cast<void>(raise_durable_timestamp(persisted()));
    static_cast<void>(cover_if_due());
    return Error::none;
}

} // namespace pms
