// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// A region's volatile state: where the next record goes (the tail), which records and reservations are not yet visible,
// what is not yet flushed, and the twins of the header's durable words. One object serves one region at a time and is
// used again for another once that is freed; it is never given back to the allocator while the stream lives, so that
// readers need no lock to look at it.
#pragma once

#include "base/error.hpp"
#include "base/ring.hpp"
#include "format/record.hpp"
#include "format/superblock.hpp"
#include "medium/flush.hpp"
#include "medium/medium.hpp"
#include "region/scan.hpp"
#include "region/span_walk.hpp"
#include "sync/sync.hpp"

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <optional>
#include <vector>

namespace pms {

// A range of bytes that ordinary stores wrote, or are about to write, and nobody has made durable yet.
struct DirtyRange {
    std::uint64_t begin = UINT64_MAX;
    std::uint64_t end = 0;

    bool empty() const noexcept { return begin >= end; }
    void add(std::uint64_t from, std::uint64_t to) noexcept
    {
        // Nearly always it goes on where the last one ended.
        if (from == end) [[likely]] {
            end = to;
            return;
        }
        begin = std::min(begin, from);
        end = std::max(end, to);
    }
};

class Region;

// A region's place in a RegionList, under the list's mutex.
struct RegionLink {
    Region *next = nullptr;
    Region *previous = nullptr;
    std::uint64_t sequence = 0; // 0: not in the list
};

class Region {
public:
    enum class State : std::uint8_t { dead, live, closing };

    // Space that was given out, from the first that is not yet visible on: an entry under way, or a reservation.
    struct Pending {
        enum class Kind : std::uint8_t {
            reserved,  // by a caller
            writing,   // a thread of the library writes an entry there, which has no timestamp yet
            cancelled, // nobody will
            entry,
        };
        std::uint64_t begin;
        std::uint64_t end;
        std::uint64_t timestamp; // of an entry
        Kind kind;
        bool covered; // a filler stands in its header's place, because something was written behind it
        bool late;    // it had no timestamp when it took its place
    };

    // Throws std::bad_alloc.
    Region(Medium &medium, const format::Geometry &geometry) : medium_(medium), geometry_(geometry) {}
    Region(const Region &) = delete;
    Region &operator=(const Region &) = delete;

    // Takes up the region `reading` tells of, whose next record goes to `tail`. `last_entry` is the offset of the last
    // one before the tail, 0 if there is none.
    void revive(const RegionReading &reading, std::uint64_t tail, std::uint64_t last_entry, bool damaged);
    // Ends the life that revive() began.
    void retire() noexcept;

    // ---- Readable without the lock. While `generation()` stays the same, so do offset, size and seed. 0: dead.
    std::uint64_t generation() const noexcept { return generation_.load(std::memory_order_acquire); }
    std::uint64_t offset() const noexcept { return offset_.load(std::memory_order_relaxed); }
    std::uint64_t size() const noexcept { return size_.load(std::memory_order_relaxed); }
    std::uint64_t seed() const noexcept { return seed_.load(std::memory_order_relaxed); }
    std::uint64_t data_begin() const noexcept { return offset() + format::region_header_size; }
    std::uint64_t end() const noexcept { return offset() + size(); }
    std::uint64_t tail() const noexcept { return tail_.load(std::memory_order_acquire); }
    std::uint64_t usable_size() const noexcept { return end() - tail(); }
    // What the next entry's timestamp may be. A hint.
    std::uint64_t next_timestamp() const noexcept { return next_timestamp_.load(std::memory_order_relaxed); }
    void expect_timestamp(std::uint64_t next) noexcept { next_timestamp_.store(next, std::memory_order_relaxed); }
    // Every record before it is whole, and committed or (when the stream is read-only) to be judged by its timestamp.
    std::uint64_t visible_end() const noexcept { return visible_end_.load(std::memory_order_acquire); }
    // Its header cannot be believed: nothing can be appended.
    bool damaged() const noexcept { return damaged_.load(std::memory_order_relaxed); }

    // Whether it is a region of the stream that has this geometry.
    bool belongs_to(const format::Geometry &geometry) const noexcept { return &geometry_ == &geometry; }

    // ---- Everything below is called with the lock held.
    sync::brief_mutex &mutex() noexcept { return mutex_; }
    State state() const noexcept { return state_; }
    void close() noexcept { state_ = State::closing; }
    void reopen() noexcept { state_ = State::live; }
    // none, or why nothing can be written to it.
    Error writable(std::uint64_t expected_offset) const noexcept;

    std::uint64_t limit() const noexcept { return limit_; }
    std::uint64_t checkpoint() const noexcept { return checkpoint_; }
    // Of all entries of this open.
    std::uint64_t max_timestamp() const noexcept;
    std::size_t open_reservations() const noexcept;

    // Makes sure that `length` bytes can be written at the tail: that they fit, and that the limit, durably, lies
    // behind them. `moved` rises by as much as the limit does. Errors: region_full, medium_failed.
    Error make_room(std::uint64_t length, std::uint64_t &moved) noexcept;
    // Whether that is so already, and the region in the list of those that may have records behind their checkpoints.
    bool has_room(std::uint64_t length) const noexcept
    {
        if (!uncovered || length > usable_size() || tail() + length > limit_) [[unlikely]]
            return false;
        return true;
    }

    // The durable timestamp is `durable`: moves the checkpoint to the last visible entry up to which no timestamp is
    // higher. No checkpoint passes an open reservation; how far everything is known durable behind one is told by the
    // hole words. settle() was called. Once `flush` has waited checkpoint_is_durable() is called.
    void move_checkpoint(std::uint64_t durable, Flush &flush) noexcept;
    void checkpoint_is_durable() noexcept;
    // No record lies behind the checkpoint, or may be about to.
    bool covered() const noexcept { return checkpoint_ == last_entry_ && pending_.empty(); }

    // Before take(). Errors: out_of_memory.
    Error prepare_take(std::uint64_t committed) noexcept;
    // Whether writable(), has_room() and prepare_take() have nothing to say or to do. `length` was usable once.
    bool is_ready(std::uint64_t expected_offset, std::uint64_t length) const noexcept
    {
        if (failed(writable(expected_offset)) || !uncovered || tail() + length > limit_ || pending_.full()) [[unlikely]]
            return false;
        return true;
    }
    // Takes `length` bytes at the tail, for an entry if it has a timestamp. make_room() was called, too.
    Pending &take(std::uint64_t length, Pending::Kind kind, std::uint64_t timestamp = 0) noexcept;

    // Whether there is anything for cover_reservations() to do.
    bool has_uncovered() const noexcept { return uncovered_ != 0; }
    // An entry is about to be written at `before`: writes a filler into the header of each reservation in front of it
    // that has none yet, so that a scan finds the entry. The stores are ordinary ones, to be durable before the entry
    // is acknowledged: added to `flush`, or to the dirty range if it is nullptr.
    void cover_reservations(std::uint64_t before, Flush *flush) noexcept;

    // What is pending and begins at `offset`, or nullptr.
    Pending *pending(std::uint64_t offset) noexcept;
    // The open reservation that begins at `offset`, or nullptr.
    Pending *reservation(std::uint64_t offset) noexcept;
    // Whether a thread of the library writes where an entry has no timestamp yet.
    bool is_written() const noexcept { return writing_ != 0; }
    bool is_last(const Pending &pending) const noexcept { return &pending == &pending_.back(); }
    // Moves the end of the last one.
    void resize_last(std::uint64_t end) noexcept;
    // A thread of the library writes the reservation's entry now.
    void write(Pending &reservation) noexcept;
    // It does not become one. The medium has failed.
    void give_up(Pending &written) noexcept;
    // Takes back a reservation, all of them. At the tail they are free space again.
    void cancel(Pending &reservation) noexcept;
    void cancel_reservations() noexcept;
    // Turns [begin, end), which nobody needs any more, into a filler or a gap, by ordinary stores. Not empty.
    void fill(std::uint64_t begin, std::uint64_t end) noexcept;

    // It is an entry now, with that timestamp.
    void stamp(Pending &pending, std::uint64_t timestamp) noexcept;
    // Makes visible what is committed. Whoever looks at what is visible calls it; appends, only when the memory for
    // what is pending is full.
    void settle(std::uint64_t committed) noexcept;

    // Remembers that recovery may step over [begin, end): it must be durable before the record at `begin` is
    // overwritten.
    void set_hole(std::uint64_t begin, std::uint64_t end, Flush &flush) noexcept;
    // Where that ends which the hole words tell is known durable; 0: they do not.
    std::uint64_t known_end() const noexcept { return known_end_; }

    // Begins to make durable what is dirty, up to the last entry with a timestamp up to `target`: gives the range to
    // flush. What is not committed yet may be written still, and stays dirty.
    DirtyRange begin_flush(std::uint64_t target, std::uint64_t turn) noexcept;
    // The flush of that turn is over. Tells whether nothing is left to flush.
    bool end_flush(std::uint64_t turn) noexcept;

    // What ordinary stores wrote and nobody has begun to make durable.
    DirtyRange dirty;
    bool in_dirty_list = false;
    // It has, or is about to have, records behind its checkpoint: it is in the stream's list of those.
    bool uncovered = false;
    // At a clean close, and at the end of recovery: moves limit and checkpoint to the tail and the last entry. Nothing
    // is pending and everything before the tail is durable. What lies behind the tail then are bytes that owners of
    // reservations wrote, and no record.
    bool has_open_step() const noexcept { return limit_ != tail() || checkpoint_ != last_entry_; }
    void write_bounds(Flush &flush) noexcept;

    // A new region's header, but for the span's word.
    static void encode_header(const format::Geometry &geometry, std::uint64_t offset, std::uint64_t size,
                              std::uint64_t generation, format::RegionHeader &header) noexcept;

    RegionLink dirty_link;
    RegionLink uncovered_link;

    // ---- Set by revive()'s caller before others see the region, then constant.
    // Read-only streams: what recovery would have turned into fillers.
    std::vector<Gap> skips;

private:
    std::uint64_t encode_offset(std::size_t field, std::uint64_t offset) const noexcept;
    void write_offset(std::size_t field, std::uint64_t offset, Medium::Site site = Medium::Site::current()) noexcept;
    std::uint64_t end_of_known(std::uint64_t durable) const noexcept;

    Medium &medium_;
    const format::Geometry &geometry_;

    // Written under the lock, read without it. generation_ is stored last in revive() and first in retire(): who reads
    // it before and after the others, and finds the same, has read one life's values.
    sync::atomic<std::uint64_t> generation_{0};
    sync::atomic<std::uint64_t> offset_{0};
    sync::atomic<std::uint64_t> size_{0};
    sync::atomic<std::uint64_t> seed_{0};
    sync::atomic<bool> damaged_{false};

    void drop_cancelled() noexcept;
    // The first of what is pending. With several, their timestamps rise.
    void make_visible(std::size_t count) noexcept;

    // What every append writes, on one line, which goes from core to core where several threads append.
    alignas(64) sync::brief_mutex mutex_;
    State state_ = State::dead;
    sync::atomic<std::uint64_t> tail_{0}; // read without the lock, too
    Ring<Pending> pending_;
    std::atomic<std::uint64_t> next_timestamp_{0}; // a hint, which needs no order

    alignas(64) sync::atomic<std::uint64_t> visible_end_{0}; // read without the lock, too
    // How many of what is pending are late, are being written, are no entries and not covered.
    std::size_t late_ = 0;
    std::size_t writing_ = 0;
    std::size_t uncovered_ = 0;
    // What somebody is making durable. It stays here until his fence, so that others who wait for it repeat the flush;
    // then he empties it, if he was the last to begin.
    DirtyRange flushing_;
    std::uint64_t flushing_turn_ = 0;
    std::uint64_t limit_ = 0;                 // durable
    std::uint64_t checkpoint_ = 0;            // durable; 0: none
    std::uint64_t last_entry_ = 0;            // the last visible one; 0: none
    std::uint64_t visible_max_timestamp_ = 0; // of all visible ones of this open
    std::uint64_t moving_checkpoint_ = 0;     // stored, not known durable; 0: none
    std::uint64_t known_end_ = 0;             // stored: who moves checkpoints waits, or the stream fails
    // The last visible record of some moment, 0 for none, and the highest timestamp up to it. The search for a new
    // checkpoint begins there rather than at the old one.
    struct Waypoint {
        std::uint64_t record = 0;
        std::uint64_t timestamp = 0;
    };
    Waypoint here() const noexcept { return {last_entry_, visible_max_timestamp_}; }
    Waypoint at_limit_;      // when the limit was moved
    Waypoint being_flushed_; // when the flush of flushing_turn_ began
    Waypoint flushed_;       // when one began that is over
};

// ---- What every append passes through.

inline Error Region::writable(std::uint64_t expected_offset) const noexcept
{
    if (state_ != State::live || offset() != expected_offset) [[unlikely]]
        return Error::no_region;
    if (damaged()) [[unlikely]]
        return Error::metadata_damaged;
    return Error::none;
}

inline Region::Pending &Region::take(std::uint64_t length, Pending::Kind kind, std::uint64_t timestamp) noexcept
{
    const std::uint64_t begin = tail();
    tail_.store(begin + length, std::memory_order_release);
    const bool late = kind != Pending::Kind::entry;
    if (late) {
        ++late_;
        ++uncovered_;
        writing_ += kind == Pending::Kind::writing ? 1 : 0;
    }
    return pending_.push_back({begin, begin + length, timestamp, kind, false, late});
}

inline void Region::stamp(Pending &pending, std::uint64_t timestamp) noexcept
{
    if (pending.kind == Pending::Kind::writing) {
        --writing_;
        uncovered_ -= pending.covered ? 0 : 1;
    }
    pending.kind = Pending::Kind::entry;
    pending.timestamp = timestamp;
}

} // namespace pms
