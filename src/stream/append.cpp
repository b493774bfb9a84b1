// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// Appending. A small entry is hashed first; then its region's mutex is held while it takes its place and its timestamp,
// so that both rise together; then it is written, made durable and marked, beside whoever else writes. A large one
// takes its place, is copied and hashed, and only then takes its timestamp: a thread that sleeps while copying holds up
// nobody. Who appends behind it meanwhile covers the place with a filler, as he does with a reservation.
// docs/crash_consistency.md has the steps, and what a crash after each leaves.

#include "stream/stream.hpp"

#include "base/kept_errno.hpp"

#include <array>
#include <cstring>
#include <new>

namespace pms {
namespace {

// Large data goes through a buffer of this size, so that it is read once, and hashed while what was stored travels.
constexpr std::uint64_t chunk_size = 8192;

constexpr std::uint64_t memory_page = 4096;

// The largest small entry of any medium.
constexpr std::uint64_t most_on_stack = 2048;
static_assert(Medium::small_entry <= most_on_stack);

using Kind = Region::Pending::Kind;

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

// A page that begins in the record may be absent. It must not be faulted in between the timestamp and the mark.
void touch_page_within(Medium &medium, std::uint64_t offset, std::uint64_t length)
{
    const std::uint64_t page = align_up(offset, memory_page);
    if (page < offset + length)
        medium.store(page, 0);
}

} // namespace

// A record on the stack.
class Stream::SmallRecord {
public:
    SmallRecord(const void *data, std::uint64_t size) noexcept : size_(size)
    {
        words_[length() / 8 - 1] = 0; // the padding
        if (size != 0)
            std::memcpy(&words_[2], data, size);
    }

    std::uint64_t length() const noexcept { return format::record_length(size_); }
    const void *bytes() const noexcept { return words_.data(); }
    void hash(std::uint64_t seed) noexcept
    {
        seed_ = seed;
        data_hash_ = format::data_hash(&words_[2], size_, seed);
    }
    std::uint64_t hashed_with() const noexcept { return seed_; }
    void finish(std::uint64_t timestamp, std::uint64_t offset) noexcept
    {
        const format::RecordHeader header = finished_header(entry_record(size_, timestamp), data_hash_, seed_, offset);
        std::memcpy(words_.data(), &header, sizeof header);
    }

private:
    std::uint64_t size_;
    std::uint64_t seed_ = 0;
    std::uint64_t data_hash_ = 0;
    alignas(64) std::array<std::uint64_t, (format::record_header_size + most_on_stack) / 8> words_;
};

// ---- Small entries. Flat, and with few stores: a processor holds only some tens of them behind a fence, and what does
// not fit waits for it.

inline Error Stream::ready_for_entry(std::uint64_t region_offset, Region &region, std::uint64_t size) noexcept
{
    if (const Error error = region.writable(region_offset); failed(error))
        return error;
    if (!commit_.has_slot(commit_.handed_out() + 1)) {
        wait_for_slot(region);
        if (const Error error = region.writable(region_offset); failed(error))
            return error;
    }
    if (commit_.exhausted())
        return Error::timestamps_exhausted;
    if (const Error error = make_room(region, size); failed(error))
        return error;
    return region.prepare_take();
}

inline std::uint64_t Stream::place_entry(bool durable, Region &region, std::uint64_t length) noexcept
{
    const std::uint64_t offset = region.tail();
    if (region.has_uncovered())
        cover_reservations(region, offset, durable);
    if (!durable)
        add_dirty(region, offset, offset + length);
    const std::uint64_t timestamp = commit_.take();
    region.take(length, Kind::entry, timestamp);
    region.settle(committed());
    return timestamp;
}

template <Stream::Write write>
[[gnu::flatten]] inline Error Stream::append_small(std::uint64_t region_offset, Region *region, const void *data,
                                                   std::uint64_t size, Placed &placed) noexcept
{
    constexpr bool through = write == Write::through;
    if (data == nullptr && size != 0)
        return Error::null_data;
    if (const Error error = find_to_write(region_offset, region); failed(error))
        return error;
    // What does not fit is not read.
    if (format::record_length(size) > region->usable_size()) {
        const std::lock_guard guard(region->mutex());
        if (const Error error = ready_for_entry(region_offset, *region, size); failed(error))
            return error;
    }
    SmallRecord record(data, size);
    // Before the mutex, whose locked instruction waits for the last append's fence.
    record.hash(region->seed());

    region->mutex().lock();
    if (const Error error = ready_for_entry(region_offset, *region, size); failed(error)) {
        region->mutex().unlock();
        return error;
    }
    if (record.hashed_with() != region->seed())
        record.hash(region->seed());
    const std::uint64_t offset = region->tail();
    touch_page_within(medium_, offset, record.length());
    const std::uint64_t timestamp = place_entry(through, *region, record.length());
    region->mutex().unlock();

    record.finish(timestamp, offset);
    if (through) {
        medium_.stream(offset, record.bytes(), record.length());
        medium_.fence();
    } else {
        medium_.copy(offset, record.bytes(), record.length());
    }
    complete(timestamp, through);
    placed = {offset, timestamp, false};
    return Error::none;
}

[[gnu::flatten]] Error Stream::append(std::uint64_t region_offset, Region *region, const void *data, std::uint64_t size,
                                      std::uint64_t *entry) noexcept
{
    if (size > Medium::small_entry || medium_.granularity() == Granularity::page)
        return append_and_wait(region_offset, region, data, size, entry);
    Placed placed{};
    Error error = append_small<Write::through>(region_offset, region, data, size, placed);
    if (!failed(error) && persisted() < placed.timestamp)
        error = wait(Stage::persisted, placed.timestamp);
    return appended(error, placed, entry);
}

Error Stream::async_append(std::uint64_t region_offset, Region *region, vdm *mover, const void *data,
                           std::uint64_t size, std::uint64_t *entry) noexcept
{
    if (mover != nullptr && size != 0)
        return append_by_mover(region_offset, region, mover, data, size, entry);
    Placed placed{};
    const Error error = append_cached(region_offset, region, data, size, placed);
    return appended(error, placed, entry);
}

Error Stream::append_cached(std::uint64_t region_offset, Region *region, const void *data, std::uint64_t size,
                            Placed &placed) noexcept
{
    return size <= Medium::small_entry ? append_small<Write::cached>(region_offset, region, data, size, placed)
                                       : append_large(Write::cached, region_offset, region, data, size, placed);
}

Error Stream::append_and_wait(std::uint64_t region_offset, Region *region, const void *data, std::uint64_t size,
                              std::uint64_t *entry) noexcept
{
    Placed placed{};
    Error error = medium_.granularity() == Granularity::page
                      ? append_cached(region_offset, region, data, size, placed)
                      : append_large(Write::through, region_offset, region, data, size, placed);
    if (!failed(error))
        error = wait(Stage::persisted, placed.timestamp);
    return appended(error, placed, entry);
}

Error Stream::finish_append(Error error, const Placed &placed) noexcept
{
    const KeptErrno kept;
    // If these fail the entry is there all the same, and the next call tells. The hole words told what is known durable
    // in the region: the checkpoint tells it now, or they do again.
    if (placed.known_lost)
        static_cast<void>(raise_durable_timestamp(persisted()));
    static_cast<void>(cover_if_due());
    commit_.wake_futures();
    return error;
}

// ---- Large entries

Error Stream::append_large(Write write, std::uint64_t region_offset, Region *region, const void *data,
                           std::uint64_t size, Placed &placed) noexcept
{
    if (data == nullptr)
        return Error::null_data;
    if (const Error error = find_to_write(region_offset, region); failed(error))
        return error;
    std::uint64_t offset = 0;
    {
        const std::lock_guard guard(region->mutex());
        if (const Error error = ready_for_entry(region_offset, *region, size); failed(error))
            return error;
        offset = region->tail();
        region->take(format::record_length(size), Kind::writing);
        region->settle(committed());
        // The header's page may be absent. What lies in front of it in the page has it present already.
        if (offset % memory_page == 0)
            medium_.store(offset, 0);
    }
    // The region lives until this is finished.
    const std::uint64_t data_hash = write_data(write, offset + format::record_header_size, data, size, region->seed());
    Flush flush(medium_);
    return finish(write, *region, offset, size, data_hash, flush, placed);
}

std::uint64_t Stream::write_data(Write write, std::uint64_t offset, const void *data, std::uint64_t size,
                                 std::uint64_t seed) noexcept
{
    if (write == Write::cached) {
        medium_.copy(offset, data, size);
        // The checksum is of what was stored, whatever the caller's buffer holds by now.
        return format::data_hash(medium_.at(offset), size, seed);
    }
    alignas(64) std::array<std::byte, chunk_size> chunk;
    const auto stream_chunk = [&](std::uint64_t done, std::uint64_t now) {
        const std::uint64_t padded = align_up(now, format::record_alignment);
        std::memset(chunk.data() + padded - format::record_alignment, 0, format::record_alignment);
        std::memcpy(chunk.data(), static_cast<const std::byte *>(data) + done, now);
        medium_.stream(offset + done, chunk.data(), padded);
    };
    if (size <= chunk_size) {
        stream_chunk(0, size);
        return format::data_hash(chunk.data(), size, seed);
    }
    StreamingHash hash(seed);
    for (std::uint64_t done = 0; done < size; done += chunk_size) {
        const std::uint64_t now = std::min(chunk_size, size - done);
        stream_chunk(done, now);
        hash.update(chunk.data(), now);
    }
    return hash.digest();
}

Error Stream::finish(Write write, Region &region, std::uint64_t offset, std::uint64_t size, std::uint64_t data_hash,
                     Flush &flush, Placed &placed) noexcept
{
    const std::uint64_t end = offset + format::record_length(size);
    std::unique_lock lock(region.mutex());
    wait_for_slot(region);
    Region::Pending &pending = *region.pending(offset);
    const std::uint64_t reserved_end = pending.end;
    // Entries behind it may be acknowledged already. While its filler is overwritten, which takes two words, the hole
    // words hold the chain of records together. The mutex is held until it is durable, since the hole words may then
    // serve another.
    const bool covered = pending.covered;
    const bool durable = covered || write != Write::cached;
    if (region.is_last(pending)) {
        region.resize_last(end);
    } else if (end < reserved_end) {
        region.fill(end, reserved_end);
        if (durable)
            flush.add(end, std::min(reserved_end - end, format::record_header_size));
        else
            add_dirty(region, end, reserved_end);
    }
    if (covered) {
        placed.known_lost = region.known_end() != 0;
        region.set_hole(offset, reserved_end, flush);
        if (failed(flush.wait())) {
            region.give_up(pending);
            return fail();
        }
        if (write == Write::cached)
            flush.add(offset, end - offset);
    }
    placed.offset = offset;
    region.cover_reservations(offset, durable ? &flush : nullptr);
    if (!durable)
        add_dirty(region, offset, end);
    placed.timestamp = commit_.take();
    region.stamp(pending, placed.timestamp);
    const std::uint64_t seed = region.seed();
    const bool closing = region.state() == Region::State::closing;
    if (!covered)
        lock.unlock();

    const format::RecordHeader header = finished_header(entry_record(size, placed.timestamp), data_hash, seed, offset);
    if (write == Write::through) {
        medium_.stream(offset, &header, sizeof header);
    } else {
        write_record_header(medium_, offset, header);
        if (durable)
            flush.add(offset, sizeof header);
    }
    if (durable && failed(flush.wait())) {
        // Nobody may wait for the mark of a timestamp that was handed out, and nobody may take it for persisted:
        // whoever persists has to sync this, and fails as well.
        add_dirty(region, offset, end);
        complete(placed.timestamp, false);
        return fail();
    }
    complete(placed.timestamp, durable);
    if (closing)
        commit_.notify();
    return Error::none;
}

void Stream::mark(std::uint64_t timestamp, bool durable) noexcept
{
    const KeptErrno kept;
    // Several threads may have found the same slot free.
    while (!commit_.has_slot(timestamp))
        static_cast<void>(wait(Stage::committed, timestamp - options_.slots, Wakers::wait));
    commit_.mark(timestamp, durable);
}

Error Stream::append_by_mover(std::uint64_t region_offset, Region *region, vdm *mover, const void *data,
                              std::uint64_t size, std::uint64_t *entry) noexcept
{
    const KeptErrno kept;
    if (data == nullptr)
        return Error::null_data;
    if (const Error error = find_to_write(region_offset, region); failed(error))
        return error;
    std::list<Copies::Copy> node;
    try {
        node.emplace_back();
    } catch (const std::bad_alloc &) {
        return Error::out_of_memory;
    }
    Copies::Copy &copy = node.front();
    {
        const std::lock_guard guard(region->mutex());
        if (const Error error = ready_for_entry(region_offset, *region, size); failed(error))
            return error;
        copy.offset = region->tail();
        copy.region_seed = region->seed();
        copy.record = entry_record(size, place_entry(false, *region, format::record_length(size)));
    }
    const Placed placed{copy.offset, copy.record.timestamp, false};
    // Without its checksum the record is not valid, but tells its size and timestamp to the caller.
    write_record_header(medium_, copy.offset, format::encode(copy.record));
    // A mover takes a plain pointer to what it only reads.
    copy.future = vdm_memcpy(mover, medium_.writable(copy.offset + format::record_header_size, size),
                             const_cast<void *>(data), size, 0);
    copies_.start(std::move(node));
    return appended(Error::none, placed, entry);
}

void Stream::cover_reservations(Region &region, std::uint64_t before, bool durable) noexcept
{
    // The calling thread fences before it completes the entry behind them.
    Flush flush(medium_);
    region.cover_reservations(before, durable ? &flush : nullptr);
    if (!durable)
        add_dirty(region, before, before);
}

void Stream::wait_for_slot(Region &region) noexcept
{
    for (std::uint64_t next = commit_.handed_out() + 1; !commit_.has_slot(next); next = commit_.handed_out() + 1) {
        region.mutex().unlock();
        static_cast<void>(wait(Stage::committed, next - options_.slots, Wakers::may_be_called));
        region.mutex().lock();
    }
}

Error Stream::make_more_room(Region &region, std::uint64_t length)
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
    std::uint64_t moved = moved_.load(std::memory_order_relaxed);
    if (moved < most_uncovered_ || !moved_.compare_exchange_strong(moved, 0, std::memory_order_relaxed))
        return Error::none;
    return raise_durable_timestamp(persisted());
}

void Stream::add_dirty(Region &region, std::uint64_t begin, std::uint64_t end) noexcept
{
    region.dirty.add(begin, end);
    if (region.in_dirty_list)
        return;
    region.in_dirty_list = true;
    dirty_regions_.add(region);
}

} // namespace pms
