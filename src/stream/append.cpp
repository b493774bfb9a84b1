// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// Appending. An entry is hashed first; then its region's mutex is held while it takes its place and its timestamp, so
// that both rise together; then it is written, made durable and marked, beside whoever else writes. A small one is
// copied to the stack and written from there; one of middling size is hashed again while it is written from the
// caller's buffer. One that goes no further than the caches is hashed where it was copied to. A large one takes its
// place, is written and hashed, and only then takes its timestamp: a thread that sleeps while copying holds up nobody.
// Who appends behind it meanwhile covers the place with a filler, as he does with a reservation.
// docs/crash_consistency.md has the steps, and what a crash after each leaves.

#include "stream/stream.hpp"

#include "base/kept_errno.hpp"

#include <array>
#include <cstring>
#include <new>

namespace pms {
namespace {

constexpr std::uint64_t memory_page = 4096;

// Stores that cross one take twice the time.
constexpr std::uintptr_t line = 64;

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

// Keeps the compiler from computing it only where it is used.
void compute_here(format::RecordHeader &header)
{
    asm volatile("" : "+r"(header.first), "+r"(header.second));
}

// A fault in the caller's buffer must not come between a timestamp and its mark.
void have_pages_present(const void *data, std::uint64_t size)
{
    static_assert(Medium::one_fence_entry <= memory_page); // so there are two at most
    if (size == 0)
        return;
    const auto *const bytes = static_cast<const volatile std::byte *>(data);
    static_cast<void>(bytes[0]);
    static_cast<void>(bytes[size - 1]);
}

} // namespace

// ---- Entries that take one fence. Flat, and with few stores in front of the mutex: a processor holds only some tens
// of them behind a fence, and what does not fit waits for it. What is passed through memory behind the data's stores
// waits for all of them.

Error Stream::ready_for_entry(std::uint64_t region_offset, Region &region, std::uint64_t size) noexcept
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
    return region.prepare_take(committed());
}

Error Stream::refuse_unread(std::uint64_t region_offset, Region &region, std::uint64_t size) noexcept
{
    const std::lock_guard guard(region.mutex());
    return ready_for_entry(region_offset, region, size);
}

inline Stream::Found Stream::find_for_entry(std::uint64_t region_offset, Region *given, const void *data,
                                            std::uint64_t size) noexcept
{
    if (size != 0 && data == nullptr) [[unlikely]]
        return {Error::null_data, nullptr};
    Found found = find_to_write(region_offset, given);
    if (failed(found.error)) [[unlikely]]
        return found;
    if (format::record_length(size) > found.region->usable_size()) [[unlikely]]
        found.error = refuse_unread(region_offset, *found.region, size);
    return found;
}

inline Error Stream::ready_to_place(std::uint64_t region_offset, Region &region, std::uint64_t size) noexcept
{
    if (!region.is_ready(region_offset, format::record_length(size)) || commit_.exhausted()) [[unlikely]]
        return ready_for_entry(region_offset, region, size);
    return Error::none;
}

inline std::uint64_t Stream::place_entry(bool durable, Region &region, std::uint64_t length) noexcept
{
    const std::uint64_t offset = region.tail();
    if (region.has_uncovered()) [[unlikely]]
        cover_reservations(region, offset, durable);
    if (!durable)
        add_dirty(region, offset, offset + length);
    const std::uint64_t timestamp = commit_.take();
    region.take(length, Kind::entry, timestamp);
    return timestamp;
}

template <typename HashData, typename StoreData>
[[gnu::always_inline]] inline Stream::Placed Stream::append_through(std::uint64_t region_offset, Region *given,
                                                                    const void *data, std::uint64_t size,
                                                                    HashData hash_data, StoreData store_data) noexcept
{
    const Found found = find_for_entry(region_offset, given, data, size);
    if (failed(found.error)) [[unlikely]]
        return {.error = found.error};
    Region &region = *found.region;
    // Before the mutex, whose locked instruction waits for the last append's fence: here hashing costs nothing.
    std::uint64_t seed = region.seed();
    std::uint64_t data_hash = hash_data(seed);
    // The same goes for the header, which this will be unless another append comes in between, here or elsewhere.
    const auto header_at = [&](std::uint64_t offset, std::uint64_t timestamp) {
        return finished_header(entry_record(size, timestamp), data_hash, seed, offset);
    };
    const std::uint64_t expected_offset = region.tail();
    const std::uint64_t expected_timestamp = region.next_timestamp();
    format::RecordHeader header = header_at(expected_offset, expected_timestamp);
    compute_here(header);

    region.mutex().lock();
    if (const Error error = ready_to_place(region_offset, region, size); failed(error)) [[unlikely]] {
        region.mutex().unlock();
        return {.error = error};
    }
    bool is_as_expected = true;
    if (seed != region.seed()) [[unlikely]] {
        seed = region.seed();
        data_hash = hash_data(seed);
        is_as_expected = false;
    }
    const std::uint64_t offset = region.tail();
    const std::uint64_t timestamp = place_entry(true, region, format::record_length(size));
    region.expect_timestamp(timestamp + 1);
    region.mutex().unlock();

    if (!is_as_expected || timestamp != expected_timestamp || offset != expected_offset) [[unlikely]]
        header = header_at(offset, timestamp);
    medium_.stream(offset, header.first, header.second); // and the data behind it
    const std::uint64_t stored_hash = store_data(offset + sizeof header, seed, data_hash);
    medium_.fence();
    if (stored_hash != data_hash) [[unlikely]] {
        // The caller's buffer has changed meanwhile: the checksum is of what was stored.
        data_hash = stored_hash;
        header = header_at(offset, timestamp);
        medium_.stream(offset, header.first, header.second);
        medium_.fence();
    }
    complete(timestamp, true);
    return {.offset = offset, .timestamp = timestamp};
}

[[gnu::flatten]] inline Stream::Placed Stream::append_small(std::uint64_t region_offset, Region *given,
                                                            const void *data, std::uint64_t size) noexcept
{
    // Aligned by hand, which takes fewer stores than to align the frame.
    std::array<std::byte, Medium::small_entry + line> room;
    auto *const words =
        reinterpret_cast<std::uint64_t *>(align_up(reinterpret_cast<std::uintptr_t>(room.data()), line));
    if (size % 8 != 0)
        words[size / 8] = 0; // the padding
    return append_through(
        region_offset, given, data, size,
        [&](std::uint64_t seed) { return format::copy_and_hash_data(words, data, size, seed); },
        [&](std::uint64_t place, std::uint64_t, std::uint64_t hash) {
            medium_.stream(place, words, align_up(size, format::record_alignment));
            return hash;
        });
}

[[gnu::flatten]] inline Stream::Placed Stream::append_middling(std::uint64_t region_offset, Region *given,
                                                               const void *data, std::uint64_t size) noexcept
{
    return append_through(
        region_offset, given, data, size, [&](std::uint64_t seed) { return format::data_hash(data, size, seed); },
        [&](std::uint64_t place, std::uint64_t seed, std::uint64_t) {
            return medium_.stream_and_hash(place, data, size, seed);
        });
}

// ---- What goes no further than the caches

[[gnu::flatten]] inline Stream::Placed Stream::append_cached(std::uint64_t region_offset, Region *given,
                                                             const void *data, std::uint64_t size) noexcept
{
    const Found found = find_for_entry(region_offset, given, data, size);
    if (failed(found.error)) [[unlikely]]
        return {.error = found.error};
    Region &region = *found.region;
    have_pages_present(data, size);
    region.mutex().lock();
    if (const Error error = ready_to_place(region_offset, region, size); failed(error)) [[unlikely]] {
        region.mutex().unlock();
        return {.error = error};
    }
    const std::uint64_t offset = region.tail();
    const std::uint64_t seed = region.seed();
    const std::uint64_t timestamp = place_entry(false, region, format::record_length(size));
    region.mutex().unlock();

    const std::uint64_t data_hash = write_data(Write::cached, offset + format::record_header_size, data, size, seed);
    write_record_header(medium_, offset, finished_header(entry_record(size, timestamp), data_hash, seed, offset));
    complete(timestamp, false);
    return {.offset = offset, .timestamp = timestamp};
}

inline std::uint64_t Stream::write_data(Write write, std::uint64_t offset, const void *data, std::uint64_t size,
                                        std::uint64_t seed) noexcept
{
    if (write != Write::cached)
        return medium_.stream_and_hash(offset, data, size, seed);
    if (size != 0) [[likely]]
        medium_.copy(offset, data, size);
    // The checksum is of what was stored, whatever the caller's buffer holds by now.
    return format::data_hash(medium_.at(offset), size, seed);
}

[[gnu::flatten]] Error Stream::append(std::uint64_t region_offset, Region *region, const void *data, std::uint64_t size,
                                      std::uint64_t *entry) noexcept
{
    if (size > Medium::one_fence_entry || appends_are_cached_) [[unlikely]]
        return append_and_wait(region_offset, region, data, size, entry);
    const Placed placed = size <= Medium::small_entry ? append_small(region_offset, region, data, size)
                                                      : append_middling(region_offset, region, data, size);
    if (failed(placed.error))
        return appended({.error = placed.error}, entry);
    if (entry != nullptr)
        *entry = placed.offset;
    if (persisted() < placed.timestamp) [[unlikely]]
        return wait_appended({.timestamp = placed.timestamp}, nullptr);
    return appended({}, nullptr);
}

[[gnu::flatten]] Error Stream::async_append(std::uint64_t region_offset, Region *region, vdm *mover, const void *data,
                                            std::uint64_t size, std::uint64_t *entry) noexcept
{
    if (mover != nullptr) [[unlikely]] {
        if (size != 0)
            return append_by_mover(region_offset, region, mover, data, size, entry);
    }
    if (size > Medium::one_fence_entry) [[unlikely]]
        return appended(append_large(Write::cached, region_offset, region, data, size), entry);
    return appended(append_cached(region_offset, region, data, size), entry);
}

Error Stream::append_and_wait(std::uint64_t region_offset, Region *region, const void *data, std::uint64_t size,
                              std::uint64_t *entry) noexcept
{
    if (size <= Medium::one_fence_entry)
        return wait_appended(append_cached(region_offset, region, data, size), entry);
    const Write write = appends_are_cached_ ? Write::cached : Write::through;
    return wait_appended(append_large(write, region_offset, region, data, size), entry);
}

Error Stream::wait_appended(Placed placed, std::uint64_t *entry) noexcept
{
    if (!failed(placed.error))
        placed.error = wait(Stage::persisted, placed.timestamp);
    return appended(placed, entry);
}

Error Stream::finish_append(Error error, bool known_lost) noexcept
{
    const KeptErrno kept;
    // If these fail the entry is there all the same, and the next call tells. The hole words told what is known durable
    // in the region: the checkpoint tells it now, or they do again.
    if (known_lost)
        static_cast<void>(raise_durable_timestamp(persisted()));
    static_cast<void>(cover_if_due());
    commit_.wake_futures();
    return error;
}

// ---- Larger entries

Stream::Placed Stream::append_large(Write write, std::uint64_t region_offset, Region *given, const void *data,
                                    std::uint64_t size) noexcept
{
    if (data == nullptr)
        return {.error = Error::null_data};
    const Found found = find_to_write(region_offset, given);
    if (failed(found.error))
        return {.error = found.error};
    Region &region = *found.region;
    std::uint64_t offset = 0;
    {
        const std::lock_guard guard(region.mutex());
        if (const Error error = ready_for_entry(region_offset, region, size); failed(error))
            return {.error = error};
        offset = region.tail();
        region.take(format::record_length(size), Kind::writing);
    }
    // The region lives until this is finished.
    const std::uint64_t data_hash = write_data(write, offset + format::record_header_size, data, size, region.seed());
    Flush flush(medium_);
    return finish(write, region, offset, size, data_hash, flush);
}

Stream::Placed Stream::finish(Write write, Region &region, std::uint64_t offset, std::uint64_t size,
                              std::uint64_t data_hash, Flush &flush) noexcept
{
    Placed placed{.offset = offset};
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
            return {.error = fail()};
        }
    }
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
        medium_.stream(offset, header.first, header.second);
    } else {
        write_record_header(medium_, offset, header);
        // The rest of a large one was flushed by publish().
        const bool only_header = write == Write::flushed && size > Medium::one_fence_entry;
        if (durable)
            flush.add(offset, only_header ? sizeof header : end - offset);
    }
    if (durable && failed(flush.wait())) {
        // Nobody may wait for the mark of a timestamp that was handed out, and nobody may take it for persisted:
        // whoever persists has to sync this, and fails as well.
        add_dirty(region, offset, end);
        complete(placed.timestamp, false);
        return {.error = fail()};
    }
    complete(placed.timestamp, durable);
    if (closing)
        commit_.notify();
    return placed;
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
    const Found found = find_to_write(region_offset, region);
    if (failed(found.error))
        return found.error;
    region = found.region;
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
    const Placed placed{.offset = copy.offset, .timestamp = copy.record.timestamp};
    // Without its checksum the record is not valid, but tells its size and timestamp to the caller.
    write_record_header(medium_, copy.offset, format::encode(copy.record));
    // A mover takes a plain pointer to what it only reads.
    copy.future = vdm_memcpy(mover, medium_.writable(copy.offset + format::record_header_size, size),
                             const_cast<void *>(data), size, 0);
    copies_.start(std::move(node));
    return appended(placed, entry);
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
    region.settle(committed()); // the search for a new checkpoint begins at the last visible record
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

void Stream::list_dirty(Region &region) noexcept
{
    region.in_dirty_list = true;
    dirty_regions_.add(region);
}

} // namespace pms
