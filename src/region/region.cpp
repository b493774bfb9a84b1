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

void Region::revive(const RegionReading &reading, std::uint64_t tail, std::uint64_t last_entry, bool damaged)
{
    state_ = State::live;
    pending_.clear();
    late_ = 0;
    writing_ = 0;
    uncovered_ = 0;
    dirty = {};
    in_dirty_list = false;
    flushing_ = {};
    flushing_turn_ = 0;
    skips.clear();
    limit_ = reading.limit.value_or(tail);
    checkpoint_ = reading.checkpoint.value_or(0);
    last_entry_ = last_entry;
    visible_max_timestamp_ = 0;
    moving_checkpoint_ = 0;
    known_end_ = 0;
    at_limit_ = {};
    being_flushed_ = {};
    flushed_ = {};
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
    in_dirty_list = false;
    flushing_ = {};
}

std::size_t Region::open_reservations() const noexcept
{
    std::size_t count = 0;
    for (std::size_t i = 0; i < pending_.size(); ++i)
        count += pending_[i].kind == Pending::Kind::reserved ? 1 : 0;
    return count;
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
    // No thread shall wait for a page between taking a timestamp and completing its entry. What is longer than a step
    // takes its timestamp behind its data.
    const std::uint64_t unused = length > step ? needed : limit_;
    Flush flush(medium_);
    if (medium_.have_present(unused, limit))
        flush.add(unused, limit - unused);
    write_offset(offsetof(format::RegionHeader, limit), limit);
    flush.add(offset(), format::region_header_size);
    if (const Error error = flush.wait(); failed(error))
        return error;
    moved += limit - limit_;
    limit_ = limit;
    at_limit_ = here();
    return Error::none;
}

void Region::move_checkpoint(std::uint64_t durable, Flush &flush) noexcept
{
    std::uint64_t covered = checkpoint_;
    if (visible_max_timestamp_ <= durable) {
        covered = last_entry_;
    } else {
        // Somebody appends meanwhile.
        for (const Waypoint &waypoint : {at_limit_, flushed_})
            if (waypoint.timestamp <= durable)
                covered = std::max(covered, waypoint.record);
        for (std::uint64_t offset = covered == 0 ? data_begin() : covered; offset < visible_end();) {
            const auto record = read_record_header(medium_, seed(), offset, visible_end());
            if (!record || record->timestamp > durable)
                break;
            // A filler may not be durable before the next entry behind it.
            if (record->holds_data())
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
    for (std::size_t i = 0; i < pending_.size(); ++i) {
        const Pending &pending = pending_[i];
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

void Region::cover_reservations(std::uint64_t before, Flush *flush) noexcept
{
    for (std::size_t i = 0; uncovered_ != 0 && i < pending_.size(); ++i) {
        Pending &pending = pending_[i];
        if (pending.begin >= before)
            return;
        if (pending.kind == Pending::Kind::entry || pending.covered)
            continue;
        --uncovered_;
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

Region::Pending *Region::pending(std::uint64_t offset) noexcept
{
    const std::size_t place =
        pending_.partition_point([offset](const Pending &pending) { return pending.begin < offset; });
    return place != pending_.size() && pending_[place].begin == offset ? &pending_[place] : nullptr;
}

Region::Pending *Region::reservation(std::uint64_t offset) noexcept
{
    Pending *found = pending(offset);
    return found != nullptr && found->kind == Pending::Kind::reserved ? found : nullptr;
}

void Region::resize_last(std::uint64_t end) noexcept
{
    pending_.back().end = end;
    tail_.store(end, std::memory_order_release);
}

void Region::write(Pending &reservation) noexcept
{
    reservation.kind = Pending::Kind::writing;
    ++writing_;
}

void Region::give_up(Pending &written) noexcept
{
    written.kind = Pending::Kind::reserved;
    --writing_;
}

void Region::cancel(Pending &reservation) noexcept
{
    reservation.kind = Pending::Kind::cancelled;
    drop_cancelled();
}

void Region::cancel_reservations() noexcept
{
    for (std::size_t i = 0; i < pending_.size(); ++i)
        if (pending_[i].kind == Pending::Kind::reserved)
            pending_[i].kind = Pending::Kind::cancelled;
    drop_cancelled();
}

void Region::settle(std::uint64_t committed) noexcept
{
    if (late_ == 0) {
        // Timestamps rise.
        if (const std::size_t count =
                pending_.partition_point([&](const Pending &pending) { return pending.timestamp <= committed; }))
            make_visible(count);
        return;
    }
    while (!pending_.empty()) {
        const Pending &front = pending_.front();
        const bool is_filler = front.kind == Pending::Kind::cancelled && front.covered;
        if (!is_filler && (front.kind != Pending::Kind::entry || front.timestamp > committed))
            return;
        late_ -= front.late ? 1 : 0;
        make_visible(1);
    }
}

void Region::make_visible(std::size_t count) noexcept
{
    const Pending &last = pending_[count - 1];
    if (last.kind == Pending::Kind::entry) {
        last_entry_ = last.begin;
        visible_max_timestamp_ = std::max(visible_max_timestamp_, last.timestamp);
    }
    visible_end_.store(last.end, std::memory_order_release);
    pending_.pop_front(count);
}

Error Region::prepare_take(std::uint64_t committed) noexcept
{
    if (pending_.full())
        settle(committed);
    return pending_.prepare_push() ? Error::none : Error::out_of_memory;
}

std::uint64_t Region::max_timestamp() const noexcept
{
    std::uint64_t max = visible_max_timestamp_;
    for (std::size_t i = 0; i < pending_.size(); ++i)
        if (pending_[i].kind == Pending::Kind::entry)
            max = std::max(max, pending_[i].timestamp);
    return max;
}

void Region::drop_cancelled() noexcept
{
    // Space with nothing behind it is free again. What has an entry behind it stays as the filler that covers it.
    while (!pending_.empty() && pending_.back().kind == Pending::Kind::cancelled && !pending_.back().covered) {
        tail_.store(pending_.back().begin, std::memory_order_release);
        pending_.pop_back();
        --late_;
        --uncovered_;
    }
}

DirtyRange Region::begin_flush(std::uint64_t target, std::uint64_t turn) noexcept
{
    settle(target);
    const DirtyRange begun = dirty;
    dirty = {};
    if (!begun.empty()) {
        flushing_.add(begun.begin, begun.end);
        for (std::size_t i =
                 pending_.partition_point([&](const Pending &pending) { return pending.begin < begun.begin; });
             i < pending_.size() && pending_[i].begin < begun.end; ++i) {
            if (pending_[i].kind != Pending::Kind::entry || pending_[i].timestamp <= target)
                continue;
            dirty.add(pending_[i].begin, begun.end);
            break;
        }
    }
    flushing_turn_ = turn;
    being_flushed_ = here();
    return flushing_;
}

bool Region::end_flush(std::uint64_t turn) noexcept
{
    if (flushing_turn_ == turn) {
        flushing_ = {};
        flushed_ = being_flushed_;
    }
    return flushing_.empty() && dirty.empty();
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
    write_offset(offsetof(format::RegionHeader, checkpoint), last_entry_);
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
