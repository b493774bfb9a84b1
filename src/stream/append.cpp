// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// Appending. An entry travels: errors first, then space at the region's tail, then data and timestamp in the order that
// fits its size, then the mark that lets the watermarks pass. docs/crash_consistency.md has the steps, and what a crash
// after each leaves.

#include "stream/stream.hpp"

#include <array>
#include <cstring>

namespace pms {
namespace {

// How far limits may be moved, over all regions, before the checkpoints follow: what recovery has to scan. That takes
// three fences, and one flushed line for each region that was written meanwhile.
constexpr std::uint64_t uncovered_bytes = 512 * 1024;
constexpr std::uint64_t uncovered_bytes_page = 8 * 1024 * 1024;

// Up to here an entry is read into a buffer on the stack, hashed and streamed from there; the timestamp is taken before
// the streaming, since a locked instruction between data and header would cost a second fence. Beyond, copying takes
// long compared with a fence, and the timestamp comes last, so that a thread that sleeps while copying holds up nobody.
constexpr std::uint64_t small_size = 2048;

// Large data goes through a buffer of this size, so that it is read once, hashed and stored while it is in the nearest
// cache.
constexpr std::uint64_t chunk_size = 1024;

constexpr std::uint64_t memory_page = 4096;

format::Record entry_record(std::uint64_t size, std::uint64_t timestamp)
{
    return {.kind = format::Kind::entry, .size = size, .timestamp = timestamp};
}

format::RecordHeader finished_header(format::Record record, std::uint64_t data_hash, std::uint64_t seed,
                                     std::uint64_t offset)
{
    record.checksum = format::record_checksum(record, data_hash, seed, offset);
    return format::encode(record);
}

} // namespace

Error Stream::append(std::uint64_t region_offset, Region *region, const void *data, std::uint64_t size,
                     std::uint64_t *entry)
{
    return append_record(region_offset, region, nullptr, true, data, size, entry);
}

Error Stream::async_append(std::uint64_t region_offset, Region *region, vdm *mover, const void *data,
                           std::uint64_t size, std::uint64_t *entry)
{
    return append_record(region_offset, region, mover, false, data, size, entry);
}

Error Stream::append_record(std::uint64_t region_offset, Region *region, vdm *mover, bool wait_for_it, const void *data,
                            std::uint64_t size, std::uint64_t *entry)
{
    if (data == nullptr && size != 0)
        return Error::null_data;
    if (const Error error = writable(); failed(error))
        return error;
    const WakesFutures wakes(commit_);
    std::list<Copies::Copy> node;
    if (mover != nullptr && size != 0)
        node.emplace_back();

    std::uint64_t offset = 0;
    std::uint64_t timestamp = 0;
    {
        std::unique_lock<sync::mutex> lock;
        if (const Error error = lock_region(region_offset, region, lock); failed(error))
            return error;
        if (const Error error = make_room(*region, size); failed(error))
            return error;
        if (const Error error = check_timestamps(); failed(error))
            return error;
        Region::Pending &pending = region->take(format::record_length(size));
        // Nothing fails from here on.
        offset = pending.begin;
        const bool through = wait_for_it && medium_.granularity() != Granularity::page;
        if (through) {
            Flush flush(medium_);
            region->cover_reservations(offset, &flush);
            timestamp = write_through(*region, offset, data, size);
        } else {
            region->cover_reservations(offset, nullptr);
            timestamp = node.empty() ? write_cached(*region, offset, data, size)
                                     : write_by_mover(*region, offset, mover, data, size, std::move(node));
        }
        region->stamp(pending, timestamp);
        region->settle(committed());
    }
    if (wait_for_it)
        if (const Error error = wait(Stage::persisted, timestamp); failed(error))
            return error;
    if (entry != nullptr)
        *entry = offset;
    // If that fails the entry is there all the same, and the next call tells.
    static_cast<void>(cover_if_due());
    return Error::none;
}

Error Stream::make_room(Region &region, std::uint64_t size)
{
    if (!checked(size <= format::max_entry_size))
        return Error::region_full;
    return make_room_for_length(region, format::record_length(size));
}

Error Stream::make_room_for_length(Region &region, std::uint64_t length)
{
    std::uint64_t moved = 0;
    if (const Error error = region.make_room(length, moved); failed(error))
        return error == Error::medium_failed ? fail() : error;
    if (moved != 0)
        moved_.fetch_add(moved, std::memory_order_relaxed);
    if (!region.uncovered) {
        region.uncovered = true;
        uncovered_regions_.add(region);
    }
    return Error::none;
}

Error Stream::cover_if_due() noexcept
{
    const std::uint64_t most = medium_.granularity() == Granularity::page ? uncovered_bytes_page : uncovered_bytes;
    std::uint64_t moved = moved_.load(std::memory_order_relaxed);
    if (moved < most || !moved_.compare_exchange_strong(moved, 0, std::memory_order_relaxed))
        return Error::none;
    return raise_durable_timestamp(persisted());
}

Error Stream::check_timestamps() const noexcept
{
    return commit_.exhausted() ? Error::timestamps_exhausted : Error::none;
}

std::uint64_t Stream::write_through(const Region &region, std::uint64_t offset, const void *data,
                                    std::uint64_t size) noexcept
{
    const std::uint64_t seed = region.seed();
    const std::uint64_t length = format::record_length(size);
    // The page of the first byte was touched by what lies before it; one that begins in the record may be absent, and
    // must not be faulted in between the timestamp and the mark.
    const bool one_page = offset / memory_page == (offset + length - 1) / memory_page && offset % memory_page != 0;
    std::uint64_t timestamp = 0;
    if (size <= small_size && one_page) {
        alignas(64) std::array<std::uint64_t, (format::record_header_size + small_size) / 8> record;
        record[length / 8 - 1] = 0; // the padding
        if (size != 0)
            std::memcpy(&record[2], data, size);
        const std::uint64_t data_hash = format::data_hash(&record[2], size, seed);
        timestamp = take_timestamp();
        const format::RecordHeader header = finished_header(entry_record(size, timestamp), data_hash, seed, offset);
        std::memcpy(record.data(), &header, sizeof header);
        medium_.stream(offset, record.data(), length);
    } else {
        StreamingHash hash(seed);
        alignas(64) std::array<std::byte, chunk_size> chunk;
        for (std::uint64_t done = 0; done < size; done += chunk_size) {
            const std::uint64_t now = std::min(chunk_size, size - done);
            const std::uint64_t padded = align_up(now, format::record_alignment);
            std::memset(chunk.data() + padded - format::record_alignment, 0, format::record_alignment);
            std::memcpy(chunk.data(), static_cast<const std::byte *>(data) + done, now);
            hash.update(chunk.data(), now);
            medium_.stream(offset + format::record_header_size + done, chunk.data(), padded);
        }
        // The header's page, too.
        medium_.store(offset, 0);
        const std::uint64_t data_hash = hash.digest();
        timestamp = take_timestamp();
        const format::RecordHeader header = finished_header(entry_record(size, timestamp), data_hash, seed, offset);
        medium_.stream(offset, &header, sizeof header);
    }
    medium_.fence();
    commit_.mark(timestamp, true);
    return timestamp;
}

std::uint64_t Stream::write_cached(Region &region, std::uint64_t offset, const void *data, std::uint64_t size) noexcept
{
    const std::uint64_t data_offset = offset + format::record_header_size;
    if (size != 0)
        medium_.copy(data_offset, data, size);
    // The checksum is of what was stored, whatever the caller's buffer holds by now.
    const std::uint64_t data_hash = format::data_hash(medium_.at(data_offset), size, region.seed());
    const std::uint64_t timestamp = take_timestamp();
    const format::RecordHeader header =
        finished_header(entry_record(size, timestamp), data_hash, region.seed(), offset);
    write_record_header(medium_, offset, header);
    add_dirty(region, offset, offset + format::record_length(size));
    commit_.mark(timestamp, false);
    return timestamp;
}

std::uint64_t Stream::write_by_mover(Region &region, std::uint64_t offset, vdm *mover, const void *data,
                                     std::uint64_t size, std::list<Copies::Copy> &&node) noexcept
{
    const std::uint64_t data_offset = offset + format::record_header_size;
    Copies::Copy &copy = node.front();
    copy.offset = offset;
    copy.region_seed = region.seed();
    // A mover takes a plain pointer to what it only reads.
    copy.future = vdm_memcpy(mover, medium_.writable(data_offset, size), const_cast<void *>(data), size, 0);
    const std::uint64_t timestamp = take_timestamp();
    copy.record = entry_record(size, timestamp);
    // Without its checksum the record is not valid, but tells its size and timestamp to the caller.
    const format::RecordHeader header = format::encode(copy.record);
    write_record_header(medium_, offset, header);
    add_dirty(region, offset, offset + format::record_length(size));
    region.dirty.mover_timestamp = std::max(region.dirty.mover_timestamp, timestamp);
    copies_.start(std::move(node));
    return timestamp;
}

void Stream::add_dirty(Region &region, std::uint64_t begin, std::uint64_t end) noexcept
{
    region.dirty.add(begin, end);
    dirty_regions_.add(region);
}

} // namespace pms
