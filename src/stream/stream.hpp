// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// A stream that is open. The members are told by topic, and each topic has its file: opening and closing (open.cpp),
// regions (regions.cpp), appending (append.cpp, publish.cpp), waiting and persisting (persist.cpp), looking at entries
// (entries.cpp) and verifying (verify.cpp).
//
// Locks, in the order in which they may be taken: tiling_mutex_, durable_mutex_, sync_mutex_, a region's mutex, then
// one inside Commit, Copies, RegionList or RegionTable. Nobody waits for the persisted watermark with a region's mutex
// held; for a slot, which needs nobody else's region, one may.
#pragma once

#include "base/error.hpp"
#include "commit/commit.hpp"
#include "commit/copies.hpp"
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
    // The largest size that allocate() can give.
    std::uint64_t largest_allocation() const;

    // ---- Appending (append.cpp, publish.cpp). `region` nullptr: look it up. Throw std::bad_alloc.
    Error append(std::uint64_t region_offset, Region *region, const void *data, std::uint64_t size,
                 std::uint64_t *entry);
    Error async_append(std::uint64_t region_offset, Region *region, vdm *mover, const void *data, std::uint64_t size,
                       std::uint64_t *entry);
    Error reserve(std::uint64_t region_offset, Region *region, std::uint64_t size, std::uint64_t &entry, void *&data);
    Error publish(std::uint64_t region_offset, Region *region, std::uint64_t entry, std::uint64_t size, bool wait);

    // ---- Waiting and persisting (persist.cpp)
    std::uint64_t committed() const noexcept { return commit_.committed(); }
    std::uint64_t persisted() const noexcept { return commit_.persisted(); }
    // Makes progress until `stage` has reached `timestamp`, which was handed out. No lock is held.
    Error wait(Stage stage, std::uint64_t timestamp) noexcept;
    // One step of the same for a future; `key` names it. Sets `running` if it has to be polled again.
    Error poll(Stage stage, std::uint64_t timestamp, const void *key, future_notifier *notifier,
               bool &running) noexcept;

    // ---- Looking at entries (entries.cpp)
    struct EntryView {
        std::uint64_t data_offset;
        std::uint64_t size;
        std::uint64_t timestamp;
    };
    Error entry(std::uint64_t offset, EntryView &view) const;
    // Whether the region is still the one that had this generation. A read-only stream beside a writer asks the medium.
    bool lives(const Region &region, std::uint64_t generation) const;
    // What stands at `offset` of a region: an entry, something to step over, nothing yet, or damage.
    enum class Place : std::uint8_t { entry, skip, end, damaged };
    Place look(Region &region, std::uint64_t offset, std::uint64_t &next) const;
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

    // Finds the region and checks that entries can be written to it; on success its mutex is held by `lock`.
    Error lock_region(std::uint64_t offset, Region *&region, std::unique_lock<sync::mutex> &lock);
    // Makes room for a record of an entry of `size` bytes at the region's tail.
    Error make_room(Region &region, std::uint64_t size);
    // The same for `length` bytes.
    Error make_room_for_length(Region &region, std::uint64_t length);
    // With no lock held, after what may have moved limits: keeps what recovery has to scan bounded.
    Error cover_if_due() noexcept;
    // Errors that would come after space was taken are found before.
    Error check_timestamps() const noexcept;
    // The next timestamp, with a slot of its own; helps and waits if all slots are taken.
    std::uint64_t take_timestamp() noexcept;
    // Writes the entry's record around the caches, durable when it returns. Gives its timestamp.
    std::uint64_t write_through(const Region &region, std::uint64_t offset, const void *data,
                                std::uint64_t size) noexcept;
    // Writes the entry's record by ordinary stores, which the region's dirty range then covers. Gives its timestamp.
    std::uint64_t write_cached(Region &region, std::uint64_t offset, const void *data, std::uint64_t size) noexcept;
    // Has a data mover write it. Gives its timestamp.
    std::uint64_t write_by_mover(Region &region, std::uint64_t offset, vdm *mover, const void *data, std::uint64_t size,
                                 std::list<Copies::Copy> &&node) noexcept;
    // Something is dirty in the region.
    void add_dirty(Region &region, std::uint64_t begin, std::uint64_t end) noexcept;
    Error append_record(std::uint64_t region_offset, Region *region, vdm *mover, bool wait, const void *data,
                        std::uint64_t size, std::uint64_t *entry);

    // Makes everything that is committed when it is called durable and raises the persisted watermark.
    Error persist() noexcept;
    // Makes the durable timestamp at least `timestamp`, which is persisted, and moves the regions' checkpoints with it.
    Error raise_durable_timestamp(std::uint64_t timestamp) noexcept;
    Error move_checkpoints(std::uint64_t durable) noexcept;
    Error close();

    // Makes visible what was committed since somebody looked last.
    void settle(Region &region) const;
    // look() at what the header alone tells; `offset` is before the visible end.
    Place look_at_header(const Region &region, std::uint64_t offset, std::uint64_t &next) const;
    void verify_region(const Region &region, std::vector<Damage> &damages, Verified &verified) const;

    // Joins free spans until one of `size` bytes is there.
    Error join_for(std::uint64_t size);

    Medium medium_;
    const format::SuperblockReading superblocks_;
    const Options options_;
    Opening opening_;
    std::shared_ptr<void> file_;

    Commit commit_;
    Copies copies_;
    sync::atomic<bool> failed_{false};
    bool open_for_writing_ = false; // recovery has finished, so closing may write

    mutable sync::mutex tiling_mutex_; // serialises allocate, free, and the look at the tiling
    FreeSpans free_spans_;
    std::uint64_t next_generation_; // durable
    RegionTable regions_;

    RegionList<&Region::dirty_link> dirty_regions_;
    RegionList<&Region::uncovered_link> uncovered_regions_;
    sync::atomic<std::uint64_t> moved_{0}; // how far limits were moved since checkpoints were
    sync::atomic<std::uint64_t> persist_turn_{0};
    sync::mutex sync_mutex_; // page-granular media: one sync at a time, for all who wait

    sync::mutex durable_mutex_;
    sync::atomic<std::uint64_t> durable_timestamp_; // as it is durable
};

} // namespace pms
