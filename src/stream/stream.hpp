// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// A stream that is open. The members are told by topic, and each topic has its file: opening and closing (open.cpp),
// regions (regions.cpp), appending (append.cpp, publish.cpp), waiting and persisting (persist.cpp), looking at entries
// (entries.cpp) and verifying (verify.cpp).
//
// Locks, in the order in which they may be taken: tiling_mutex_, durable_mutex_, group_commit_'s mutex, a region's
// mutex, then one inside Commit, Copies, RegionList or RegionTable. Nobody waits for the persisted watermark with a
// region's mutex held; for a slot, which needs nobody else's region, one may who has his timestamp already.
#pragma once

#include "base/error.hpp"
#include "commit/commit.hpp"
#include "commit/copies.hpp"
#include "commit/group_commit.hpp"
#include "format/superblock.hpp"
#include "integrity/checked.hpp"
#include "medium/flush.hpp"
#include "medium/medium.hpp"
#include "region/free_spans.hpp"
#include "region/region.hpp"
#include "region/region_list.hpp"
#include "stream/options.hpp"
#include "stream/recovery.hpp"
#include "stream/region_table.hpp"
#include "sync/sync.hpp"

#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <vector>

struct vdm;

namespace pms {

class Stream {
public:
    // ---- Opening and closing (open.cpp). These throw std::bad_alloc.

    // How an empty map is treated.
    enum class IfEmpty : std::uint8_t { format, refuse };

    // `block_size` 0: whatever the stream has. On success `stream` is set.
    static Error open(const Medium &medium, std::uint64_t block_size, IfEmpty if_empty, const Options &options,
                      std::unique_ptr<Stream> &stream);
    // Completes and persists what is pending and marks the stream clean, if the medium lets it.
    ~Stream();
    Stream(const Stream &) = delete;
    Stream &operator=(const Stream &) = delete;

    // ---- Regions (regions.cpp). Throw std::bad_alloc.
    Error allocate(std::uint64_t size, std::uint64_t &offset);
    Error free(std::uint64_t offset);
    Region *find_region(std::uint64_t offset) const { return regions_.find(offset); }
    const RegionTable &regions() const noexcept { return regions_; }
    std::uint64_t free_size() const;
    // Makes the stream larger, by space that is free. `extend` has the file, which holds `before` bytes of the stream,
    // and may be longer, hold `size`, and the map hold them; if it fails the stream stays as it is. Throws
    // std::bad_alloc.
    Error grow(std::uint64_t size, const std::function<Error(std::uint64_t before)> &extend);
    std::uint64_t size() const;
    // The largest size that allocate() can give.
    std::uint64_t largest_allocation() const;

    // ---- Appending (append.cpp, publish.cpp). `region` nullptr: look it up.
    Error append(std::uint64_t region_offset, Region *region, const void *data, std::uint64_t size,
                 std::uint64_t *entry) noexcept;
    Error async_append(std::uint64_t region_offset, Region *region, vdm *mover, const void *data, std::uint64_t size,
                       std::uint64_t *entry) noexcept;
    Error reserve(std::uint64_t region_offset, Region *region, std::uint64_t size, std::uint64_t &entry, void *&data);
    Error publish(std::uint64_t region_offset, Region *region, std::uint64_t entry, std::uint64_t size, bool wait);
    Error abort(std::uint64_t region_offset, Region *region, std::uint64_t entry);

    // ---- Waiting and persisting (persist.cpp)
    std::uint64_t committed() const noexcept { return commit_.committed(); }
    std::uint64_t persisted() const noexcept { return commit_.persisted(); }
    // The same, with everything that was completed counted.
    std::uint64_t committed_now() const noexcept
    {
        commit_.catch_up();
        return committed();
    }
    std::uint64_t persisted_now() const noexcept
    {
        commit_.catch_up();
        return persisted();
    }
    // Makes progress until `stage` has reached `timestamp`, which was handed out. No lock is held.
    [[gnu::noinline]] Error wait(Stage stage, std::uint64_t timestamp) noexcept;
    // One step of the same for a future; `key` names it. Sets `running` if it has to be polled again.
    Error poll(Stage stage, std::uint64_t timestamp, const void *key, future_notifier *notifier,
               bool &running) noexcept;

    // ---- Looking at entries (entries.cpp)
    struct EntryView {
        std::uint64_t data_offset;
        std::uint64_t size;
        std::uint64_t timestamp;
    };
    Error entry(std::uint64_t offset, EntryView &view) const noexcept;
    // Whether the region is still the one that had this generation. A read-only stream beside a writer asks the medium.
    bool lives(const Region &region, std::uint64_t generation) const
    {
        return generation != 0 && region.generation() == generation &&
               (!options_.read_only || still_lives(region, generation));
    }
    // What stands at `offset` of a region: an entry, something to step over, nothing yet, or damage.
    enum class Place : std::uint8_t { entry, skip, end, damaged };
    // What a reader has learned of the region he goes through, so that he need not ask again at each entry.
    struct Known {
        std::uint64_t end = 0;       // whole records up to here, whose headers are all there is to look at
        std::uint64_t committed = 0; // and no timestamp is above this
    };
    Place look(Region &region, std::uint64_t offset, std::uint64_t &next, Known &known) const;
    // Whether it is an entry, and `known` is enough to tell. If not, look() tells what it is.
    bool is_known_entry(std::uint64_t offset, std::uint64_t &next, const Known &known) const noexcept
    {
        // One look tells both: behind the end there is less room than none.
        const auto room = static_cast<std::int64_t>(known.end - offset);
        if (room < static_cast<std::int64_t>(format::record_header_size)) [[unlikely]]
            return false;
        const std::uint64_t length = format::entry_length(load_record_header(medium_, offset),
                                                          static_cast<std::uint64_t>(room), known.committed);
        next = offset + length;
        return length != 0;
    }
    // The next whole entry of the region behind the damage at `offset`, or the region's visible end.
    std::uint64_t behind_damage(const Region &region, std::uint64_t offset) const;

    // ---- Verifying (verify.cpp). Throws std::bad_alloc.
    struct Verified {
        std::uint64_t entries = 0;
        std::uint64_t bytes = 0;
        std::uint64_t damages = 0;
    };
    // `report` returns false to end it.
    Error verify(const std::function<bool(const Damage &)> &report, Verified &verified) const;

    const Medium &medium() const noexcept { return medium_; }
    const format::Geometry &geometry() const noexcept { return superblocks_.geometry; }
    const Options &options() const noexcept { return options_; }
    format::Durability durability() const noexcept { return superblocks_.durability; }
    // What opening found.
    struct Opening {
        bool was_clean;
        std::uint64_t recovered_entries;
        std::uint64_t damages;
        std::vector<Dropped> dropped;
    };
    const Opening &opening() const noexcept { return opening_; }

    // Keeps the file that the stream lies in open and locked until the stream is closed.
    void adopt(std::shared_ptr<void> file) noexcept { file_ = std::move(file); }
    const std::shared_ptr<void> &file() const noexcept { return file_; }

private:
    Stream(const Medium &medium, const format::SuperblockReading &superblocks, const Options &options,
           const RecoveryPlan &plan);

    // none, or why nothing can be written: closed for good by a failed medium, or read-only.
    Error writable() const noexcept;
    // Declared in front of the locks of whatever may move a watermark: calls the wakers that are due, at the end.
    class WakesFutures {
    public:
        explicit WakesFutures(Commit &commit) noexcept : commit_(commit) {}
        ~WakesFutures() { commit_.wake_futures(); }
        WakesFutures(const WakesFutures &) = delete;
        WakesFutures &operator=(const WakesFutures &) = delete;

    private:
        Commit &commit_;
    };

    // wait(), also with a region's lock held if it is for "committed": then nobody's waker may be called.
    enum class Wakers : std::uint8_t { may_be_called, wait };
    Error wait(Stage stage, std::uint64_t timestamp, Wakers wakers) noexcept;

    // Ends all acknowledgements. Gives medium_failed back.
    Error fail() noexcept;

    struct Found {
        Error error;
        Region *region;
    };
    // Looks the region up unless it is given.
    Found find_region(std::uint64_t offset, Region *given) const
    {
        if (given == nullptr || !given->belongs_to(geometry()) || given->offset() != offset) [[unlikely]]
            return look_region_up(offset, given);
        return {Error::none, given};
    }
    [[gnu::noinline]] Found look_region_up(std::uint64_t offset, Region *given) const;
    // The same for who is about to write to it: what every such call begins with.
    Found find_to_write(std::uint64_t offset, Region *given) const
    {
        if (const Error error = writable(); failed(error)) [[unlikely]]
            return {error, nullptr};
        return find_region(offset, given);
    }

    // ---- With the region's mutex held.

    // Whether everything is ready for an entry of `size` bytes: room, and a slot for its timestamp.
    [[gnu::noinline]] Error ready_for_entry(std::uint64_t offset, Region &region, std::uint64_t size) noexcept;
    // The same for who takes the timestamp at once, and waits for a slot, if there is none, when he marks.
    Error ready_to_place(std::uint64_t offset, Region &region, std::uint64_t size) noexcept;
    // Helps and waits while all slots are taken; the mutex is given back meanwhile.
    [[gnu::noinline]] void wait_for_slot(Region &region) noexcept;
    // Makes room for a record of an entry of `size` bytes at the region's tail.
    Error make_room(Region &region, std::uint64_t size)
    {
        if (!checked(size <= format::max_entry_size))
            return Error::region_full;
        return make_room_for_length(region, format::record_length(size));
    }
    // The same for `length` bytes.
    Error make_room_for_length(Region &region, std::uint64_t length)
    {
        return region.has_room(length) ? Error::none : make_more_room(region, length);
    }
    [[gnu::noinline]] Error make_more_room(Region &region, std::uint64_t length);
    // Writes fillers in front of `before`. With `durable` the calling thread fences them; else they become dirty.
    [[gnu::noinline]] void cover_reservations(Region &region, std::uint64_t before, bool durable) noexcept;
    // Gives an entry its place and its timestamp. From here until it is complete the thread must not wait for anything
    // but a slot. `durable`: as above, and what the entry is written by is the thread's to fence, too.
    std::uint64_t place_entry(bool durable, Region &region, std::uint64_t length) noexcept;
    // Checks that the reservation can be published with that size, and has a thread of the library write it.
    Error begin_publish(Region &region, std::uint64_t entry, std::uint64_t size);
    // Something is dirty in the region.
    void add_dirty(Region &region, std::uint64_t begin, std::uint64_t end) noexcept
    {
        region.dirty.add(begin, end);
        if (!region.in_dirty_list) [[unlikely]]
            list_dirty(region);
    }
    [[gnu::noinline]] void list_dirty(Region &region) noexcept;

    // ---- With no lock held.

    // Of what does not seem to fit the data is not read. Tells why, unless it fits by now.
    [[gnu::noinline]] Error refuse_unread(std::uint64_t region_offset, Region &region, std::uint64_t size) noexcept;
    // find_to_write() for who takes his timestamp before he writes.
    Found find_for_entry(std::uint64_t region_offset, Region *given, const void *data, std::uint64_t size) noexcept;
    // After what may have moved limits: keeps what recovery has to scan bounded.
    Error cover_if_due() noexcept;

    // How an entry is written.
    enum class Write : std::uint8_t {
        through, // around the caches, and durable before it is marked
        flushed, // through the caches, and durable before it is marked
        cached,  // through the caches; the region's dirty range covers it
    };
    // What an append did.
    struct Placed {
        Error error = Error::none;
        bool known_lost = false; // the hole words do not tell any more how far the region is known durable
        std::uint64_t offset = 0;
        std::uint64_t timestamp = 0;
    };
    // `hash_data` gives the data's hash, for a seed; `store_data` stores it around the caches, for a place, that seed
    // and that hash, and gives the hash of what it stored.
    template <typename HashData, typename StoreData>
    Placed append_through(std::uint64_t region_offset, Region *given, const void *data, std::uint64_t size,
                          HashData hash_data, StoreData store_data) noexcept;
    Placed append_small(std::uint64_t region_offset, Region *given, const void *data, std::uint64_t size) noexcept;
    Placed append_middling(std::uint64_t region_offset, Region *given, const void *data, std::uint64_t size) noexcept;
    Placed append_cached(std::uint64_t region_offset, Region *given, const void *data, std::uint64_t size) noexcept;
    [[gnu::noinline]] Placed append_large(Write write, std::uint64_t region_offset, Region *given, const void *data,
                                          std::uint64_t size) noexcept;
    [[gnu::noinline]] Error append_by_mover(std::uint64_t region_offset, Region *region, vdm *mover, const void *data,
                                            std::uint64_t size, std::uint64_t *entry) noexcept;
    [[gnu::noinline]] Error append_and_wait(std::uint64_t region_offset, Region *region, const void *data,
                                            std::uint64_t size, std::uint64_t *entry) noexcept;
    [[gnu::noinline]] Error wait_appended(Placed placed, std::uint64_t *entry) noexcept;
    // What is left to do once the entry is there, or is not because of an error.
    Error appended(const Placed &placed, std::uint64_t *entry) noexcept
    {
        if (!failed(placed.error) && entry != nullptr)
            *entry = placed.offset;
        const bool due = moved_.load(std::memory_order_relaxed) >= most_uncovered_ || placed.known_lost;
        if (due || commit_.somebody_watches()) [[unlikely]]
            return finish_append(placed.error, placed.known_lost);
        return placed.error;
    }
    [[gnu::noinline]] Error finish_append(Error error, bool known_lost) noexcept;
    // Writes data to where a record's belongs. Gives its hash.
    std::uint64_t write_data(Write write, std::uint64_t offset, const void *data, std::uint64_t size,
                             std::uint64_t seed) noexcept;
    // Makes an entry of what the calling thread writes at `offset`, whose data is complete and, unless it is cached,
    // streamed or added to `flush`.
    Placed finish(Write write, Region &region, std::uint64_t offset, std::uint64_t size, std::uint64_t data_hash,
                  Flush &flush) noexcept;
    // It is written, and with `durable` the calling thread has fenced it.
    void complete(std::uint64_t timestamp, bool durable) noexcept
    {
        if (!commit_.pass(timestamp, durable)) [[unlikely]]
            mark(timestamp, durable);
    }
    [[gnu::noinline]] void mark(std::uint64_t timestamp, bool durable) noexcept;
    // Waits until no thread of the library writes where an entry has no timestamp yet, or the medium has failed. Gives
    // the region's last timestamp.
    std::uint64_t wait_for_writers(Region &region) noexcept;
    // Makes durable what is committed by then, or, where others sync for all, at least that up to `wanted`.
    Error persist(std::uint64_t wanted) noexcept;
    // Makes everything durable that is committed by then, and raises the persisted watermark.
    Error persist_committed() noexcept;
    // Makes everything up to `target` durable, which is committed.
    Error flush_dirty(std::uint64_t target) noexcept;
    // Makes the durable timestamp at least `timestamp`, which is persisted, and moves the regions' checkpoints with it.
    Error raise_durable_timestamp(std::uint64_t timestamp) noexcept;
    Error move_checkpoints(std::uint64_t durable) noexcept;
    Error close();

    // Makes visible what was committed since somebody looked last.
    void settle(Region &region) const;
    // look() at what the header alone tells; `offset` is before `end`, the visible end or one of before.
    Place look_at_header(const Region &region, std::uint64_t offset, std::uint64_t end, std::uint64_t &next) const;
    bool still_lives(const Region &region, std::uint64_t generation) const;
    // The range to step over that `offset` lies in, if the stream is read-only and there is one.
    static const Gap *skip_at(const Region &region, std::uint64_t offset)
    {
        return region.skips.empty() ? nullptr : find_skip(region, offset);
    }
    static const Gap *find_skip(const Region &region, std::uint64_t offset);
    void verify_region(const Region &region, std::vector<Damage> &damages, Verified &verified) const;

    // Joins free spans until one of `size` bytes is there.
    Error join_for(std::uint64_t size);

    Medium medium_;
    format::SuperblockReading superblocks_; // the stream's size in it: with tiling_mutex_ held
    const Options options_;
    Opening opening_;
    std::shared_ptr<void> file_;

    mutable Commit commit_; // which readers help to advance
    Copies copies_;
    sync::atomic<bool> failed_{false};
    bool open_for_writing_ = false; // recovery has finished, so closing may write

    mutable sync::mutex tiling_mutex_; // serialises allocate, free, and the look at the tiling
    FreeSpans free_spans_;
    std::uint64_t next_generation_; // durable
    RegionTable regions_;

    RegionList<&Region::dirty_link> dirty_regions_;
    RegionList<&Region::uncovered_link> uncovered_regions_;
    const std::uint64_t most_uncovered_;   // how far limits may be moved before checkpoints are
    sync::atomic<std::uint64_t> moved_{0}; // how far they were
    sync::atomic<std::uint64_t> persist_turn_{0};
    GroupCommit group_commit_;      // of page-granular media
    const bool appends_are_cached_; // synchronous ones, too

    sync::mutex durable_mutex_;
    sync::atomic<std::uint64_t> durable_timestamp_; // as it is durable
};

} // namespace pms
