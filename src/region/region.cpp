// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

#include "region/region.hpp"

#include <algorithm>

namespace pms {
namespace {

// How far the limit moves at a time. A step costs one fence (or sync), and what recovery has to scan and to zero for
// each region that was being written.
constexpr std::uint64_t limit_step = 64 * 1024;
constexpr std::uint64_t limit_step_page = 1024 * 1024;

} // namespace

void Region::revive(const RegionReading &reading, std::uint64_t tail, std::uint64_t last_record, bool damaged)
{
    state_ = State::live;
    pending_.clear();
    dirty = {};
    flushing = {};
    flushing_turn = 0;
    skips.clear();
    limit_ = reading.limit.value_or(tail);
    checkpoint_ = reading.checkpoint.value_or(0);
    last_record_ = last_record;
    visible_max_timestamp_ = 0;
    max_timestamp_ = 0;
    moving_checkpoint_ = 0;
    known_end_ = 0;
    waypoint_ = 0;
    waypoint_timestamp_ = 0;
    uncovered = false;
    damaged_.store(damaged, std::memory_order_relaxed);
    offset_.store(reading.offset, std::memory_order_relaxed);
    size_.store(reading.size, std::memory_order_relaxed);
    seed_.store(reading.seed, std::memory_order_relaxed);
    tail_.store(tail, std::memory_order_relaxed);
    visible_end_.store(tail, std::memory_order_relaxed);
    generation_.store(reading.generation, std::memory_order_release);
}

void Region::retire() noexcept
{
    generation_.store(0, std::memory_order_release);
    state_ = State::dead;
    pending_.clear();
    dirty = {};
}

Error Region::writable(std::uint64_t expected_offset) const noexcept
{
    if (state_ != State::live || offset() != expected_offset)
        return Error::no_region;
    if (damaged())
        return Error::metadata_damaged;
    return Error::none;
}

std::size_t Region::open_reservations() const noexcept
{
    return static_cast<std::size_t>(std::ranges::count_if(
        pending_, [](const Pending &pending) { return pending.kind == Pending::Kind::reserved; }));
}

Error Region::make_room(std::uint64_t length, std::uint64_t &moved) noexcept
{
    if (length > usable_size())
        return Error::region_full;
    const std::uint64_t needed = tail() + length;
    if (needed <= limit_)
        return Error::none;

    const std::uint64_t step = medium_.granularity() == Granularity::page ? limit_step_page : limit_step;
    const std::uint64_t limit = std::min(end(), align_up(needed, step));
    write_offset(offsetof(format::RegionHeader, limit), limit);
    Flush flush(medium_);
    flush.add(offset(), format::region_header_size);
    if (const Error error = flush.wait(); failed(error))
        return error;
    moved += limit - limit_;
    limit_ = limit;
    waypoint_ = last_record_;
    waypoint_timestamp_ = visible_max_timestamp_;
    return Error::none;
}

void Region::move_checkpoint(std::uint64_t durable, Flush &flush) noexcept
{
    std::uint64_t covered = checkpoint_;
    if (visible_max_timestamp_ <= durable) {
        covered = last_record_;
    } else {
        // Somebody appends meanwhile.
        if (waypoint_timestamp_ <= durable)
            covered = std::max(covered, waypoint_);
        for (std::uint64_t offset = covered == 0 ? data_begin() : covered; offset < visible_end();) {
            const auto record = read_record_header(medium_, seed(), offset, visible_end());
            if (!record || record->timestamp > durable)
                break;
            covered = offset;
            offset += record->length();
        }
    }
    if (covered != checkpoint_) {
        write_offset(offsetof(format::RegionHeader, checkpoint), covered);
        flush.add(offset(), format::region_header_size);
        moving_checkpoint_ = covered;
    }
    // What was published is durable by now, so the hole words are free. A hole that ends where it begins is none.
    const std::uint64_t known = end_of_known(durable);
    if (known != 0 && known != known_end_) {
        set_hole(known, known, flush);
        known_end_ = known;
    }
}

std::uint64_t Region::end_of_known(std::uint64_t durable) const noexcept
{
    std::uint64_t end = 0;
    for (const Pending &pending : pending_) {
        if (pending.kind == Pending::Kind::entry ? pending.timestamp > durable : !pending.covered)
            break;
        if (pending.kind == Pending::Kind::entry)
            end = pending.end;
    }
    return end;
}

void Region::checkpoint_is_durable() noexcept
{
    if (moving_checkpoint_ != 0)
        checkpoint_ = moving_checkpoint_;
    moving_checkpoint_ = 0;
}

Region::Pending &Region::take(std::uint64_t length)
{
    const std::uint64_t begin = tail();
    Pending &pending = pending_.emplace_back(Pending{begin, begin + length, 0, Pending::Kind::reserved, false});
    tail_.store(begin + length, std::memory_order_release);
    return pending;
}

void Region::untake() noexcept
{
    tail_.store(pending_.back().begin, std::memory_order_release);
    pending_.pop_back();
}

void Region::cover_reservations(std::uint64_t before, Flush *flush) noexcept
{
    for (Pending &pending : pending_) {
        if (pending.begin >= before)
            return;
        if (pending.kind == Pending::Kind::entry || pending.covered)
            continue;
        fill(pending.begin, pending.end);
        pending.covered = true;
        if (flush != nullptr)
            flush->add(pending.begin, format::record_header_size);
        else
            dirty.add(pending.begin, pending.begin + format::record_header_size);
    }
}

void Region::fill(std::uint64_t begin, std::uint64_t end) noexcept
{
    if (end - begin < format::record_header_size) {
        medium_.store(begin, format::encode_gap(seed(), begin));
        return;
    }
    const format::RecordHeader filler = format::encode_filler(end - begin, seed(), begin);
    write_record_header(medium_, begin, filler);
}

Region::Pending *Region::reservation(std::uint64_t offset) noexcept
{
    const auto place = std::ranges::lower_bound(pending_, offset, {}, &Pending::begin);
    const bool open = place != pending_.end() && place->begin == offset && place->kind == Pending::Kind::reserved;
    return open ? &*place : nullptr;
}

void Region::resize_last(std::uint64_t end) noexcept
{
    pending_.back().end = end;
    tail_.store(end, std::memory_order_release);
}

void Region::cancel_reservations() noexcept
{
    for (Pending &pending : pending_)
        if (pending.kind == Pending::Kind::reserved)
            pending.kind = Pending::Kind::cancelled;
    // Space with nothing behind it is free again. What has an entry behind it stays as the filler that covers it.
    while (!pending_.empty() && pending_.back().kind == Pending::Kind::cancelled && !pending_.back().covered)
        untake();
}

void Region::stamp(Pending &pending, std::uint64_t timestamp) noexcept
{
    pending.kind = Pending::Kind::entry;
    pending.timestamp = timestamp;
    max_timestamp_ = std::max(max_timestamp_, timestamp);
}

void Region::settle(std::uint64_t committed) noexcept
{
    while (!pending_.empty()) {
        const Pending &front = pending_.front();
        const bool is_filler = front.kind == Pending::Kind::cancelled && front.covered;
        if (!is_filler && (front.kind != Pending::Kind::entry || front.timestamp > committed))
            return;
        last_record_ = front.begin;
        visible_max_timestamp_ = std::max(visible_max_timestamp_, front.timestamp);
        visible_end_.store(front.end, std::memory_order_release);
        pending_.pop_front();
    }
}

void Region::set_hole(std::uint64_t begin, std::uint64_t end, Flush &flush) noexcept
{
    write_offset(offsetof(format::RegionHeader, hole_begin), begin);
    write_offset(offsetof(format::RegionHeader, hole_end), end);
    flush.add(offset(), format::region_header_size);
    known_end_ = 0;
}

void Region::write_bounds(Flush &flush) noexcept
{
    write_offset(offsetof(format::RegionHeader, limit), tail());
    write_offset(offsetof(format::RegionHeader, checkpoint), last_record_);
    // What they told of may lie behind the tail now, and other records will.
    write_offset(offsetof(format::RegionHeader, hole_begin), 0);
    write_offset(offsetof(format::RegionHeader, hole_end), 0);
    flush.add(offset(), format::region_header_size);
    known_end_ = 0;
}

void Region::encode_header(const format::Geometry &geometry, std::uint64_t offset, std::uint64_t size,
                           std::uint64_t generation, format::RegionHeader &header) noexcept
{
    const auto word = [&](std::size_t field, std::uint64_t value) {
        return format::OffsetWord::encode(value, format::word_seed(geometry.stream_seed, offset + field));
    };
    header = {};
    header.generation = generation;
    header.checksum = format::region_checksum(geometry.stream_seed, offset, size, generation, 0);
    header.limit = word(offsetof(format::RegionHeader, limit), format::region_header_size);
    header.checkpoint = word(offsetof(format::RegionHeader, checkpoint), 0);
    header.hole_begin = word(offsetof(format::RegionHeader, hole_begin), 0);
    header.hole_end = word(offsetof(format::RegionHeader, hole_end), 0);
}

std::uint64_t Region::encode_offset(std::size_t field, std::uint64_t offset) const noexcept
{
    const std::uint64_t value = offset == 0 ? 0 : offset - this->offset();
    return format::OffsetWord::encode(value, format::word_seed(geometry_.stream_seed, this->offset() + field));
}

void Region::write_offset(std::size_t field, std::uint64_t offset, Medium::Site site) noexcept
{
    medium_.store(this->offset() + field, encode_offset(field, offset), site);
}

} // namespace pms
