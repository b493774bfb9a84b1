// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// The commit protocol: hands out timestamps, and knows up to which one every entry is committed (visible) and persisted
// (durable).
//
// Each timestamp handed out is marked in its slot when its entry is copied, with a bit that tells whether it is durable
// too. The two watermarks move over marked slots in the order of the timestamps; whoever marks helps to move them, also
// over the marks of others. An entry that is copied but not durable stops the persisted watermark until somebody
// flushes what is dirty and raises it.
#pragma once

#include "sync/sync.hpp"

#include <libminiasync/future.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <set>
#include <unordered_map>
#include <utility>

namespace pms {

enum class Stage : std::uint8_t { committed, persisted };

class Commit {
public:
    // `slots` is a power of two: so many timestamps can be handed out and not yet committed. `last` is the last
    // timestamp of the recovered stream.
    Commit(std::uint64_t slots, std::uint64_t last);
    Commit(const Commit &) = delete;
    Commit &operator=(const Commit &) = delete;

    // Every entry up to it is visible.
    std::uint64_t committed() const noexcept
    {
        const std::uint64_t durable = persisted();
        const std::uint64_t copied = committed_.load(std::memory_order_acquire);
        return copied > durable ? copied : durable;
    }
    // Every entry up to it is durable.
    std::uint64_t persisted() const noexcept { return persisted_.load(std::memory_order_acquire); }
    std::uint64_t reached(Stage stage) const noexcept { return stage == Stage::committed ? committed() : persisted(); }
    std::uint64_t handed_out() const noexcept { return last_.load(std::memory_order_acquire); }
    bool exhausted() const noexcept;
    // Whether `timestamp`, handed out or the next one, has a slot of its own.
    bool has_slot(std::uint64_t timestamp) const noexcept { return timestamp <= committed() + slots_; }

    // Hands out the next timestamp. From here until it is marked the thread must not wait for anything but a slot.
    std::uint64_t take() noexcept { return last_.fetch_add(1, std::memory_order_acq_rel) + 1; }

    // The entry is copied, and with `durable` the calling thread has fenced it. has_slot(timestamp) holds.
    void mark(std::uint64_t timestamp, bool durable) noexcept;

    // Moves the watermarks as far as the marks allow.
    void advance() noexcept;

    // The caller has made everything up to `timestamp` durable.
    void raise_persisted(std::uint64_t timestamp) noexcept;

    // ---- Waiting

    // Sleeps until something may have changed since `ready` was last false. `ready` is called at least once.
    template <typename Ready>
    void sleep_until(Ready ready)
    {
        // The sequentially consistent increment comes before ready() looks; whoever makes progress stores first and
        // then looks at the number of sleepers (notify()). So either ready() sees the progress or the other sees the
        // sleeper. Between a future's watch() and who wakes it it is the same with next_watch_.
        sleepers_.fetch_add(1, std::memory_order_seq_cst);
        const std::uint32_t seen = epoch_.load(std::memory_order_acquire);
        if (!ready())
            epoch_.wait(seen, std::memory_order_acquire);
        sleepers_.fetch_sub(1, std::memory_order_relaxed);
    }

    // Wakes the threads that sleep, to look again. Futures are woken by who calls wake_futures() next.
    void notify() noexcept;
    // The same, and makes every watched future due: something else than a watermark has changed that they may wait for.
    void notify_all() noexcept;

    // Has `waker` woken, once, when `timestamp` is committed or notify_all() was called; `key` names the future, whose
    // earlier waker is replaced. Throws std::bad_alloc.
    void watch(const void *key, std::uint64_t timestamp, const future_waker &waker);
    // After this, or another watch(), returned the earlier waker of `key` is not called any more, and no call of it is
    // under way, unless the calling thread is itself inside a waker.
    void unwatch(const void *key) noexcept;
    // Calls the wakers that are due. A waker may poll, and so come back here: no lock may be held.
    // Whoever may have moved a watermark calls it before he returns to his caller.
    void wake_futures() noexcept
    {
        // Sequentially consistent: see sleep_until().
        if (committed_for_watches() >= next_watch_.load(std::memory_order_seq_cst))
            wake_due_futures();
    }

    // The same for a poller: gives a word that is 0 now and becomes 1 when a waker would be woken. It stays the
    // stream's, and is good until the key is unwatched. Throws std::bad_alloc.
    std::uint64_t *watch_by_word(const void *key, std::uint64_t timestamp);

private:
    struct Watch {
        std::uint64_t timestamp = 0;
        future_waker waker{};
        std::unique_ptr<sync::atomic<std::uint64_t>> word; // instead of a waker
        bool armed = false;                                // not woken yet
    };
    struct Call; // of a waker, under way

    static std::uint64_t encode(std::uint64_t timestamp, bool durable) noexcept { return timestamp << 1 | durable; }
    sync::atomic<std::uint64_t> &slot(std::uint64_t timestamp) noexcept { return marks_[timestamp & (slots_ - 1)]; }
    std::uint64_t committed_for_watches() const noexcept
    {
        const std::uint64_t durable = persisted_.load(std::memory_order_seq_cst);
        const std::uint64_t copied = committed_.load(std::memory_order_seq_cst);
        return copied > durable ? copied : durable;
    }
    void arm(const void *key, Watch &watch, std::uint64_t timestamp);
    void disarm(const void *key, Watch &watch) noexcept;
    void update_next_watch() noexcept;
    void update_watched() noexcept;
    bool in_waker() const noexcept;
    void wait_for_call(std::unique_lock<sync::mutex> &lock, const void *key) noexcept;
    void wake_due_futures() noexcept;

    // Each on a line of its own: every append writes the first two, whoever waits the last.
    alignas(64) sync::atomic<std::uint64_t> last_;      // handed out
    alignas(64) sync::atomic<std::uint64_t> persisted_; // only rises
    // Only rises; may lag behind persisted_, since synchronous appends move only that one. Released by who saw the
    // marks, acquired by readers of the entries.
    alignas(64) sync::atomic<std::uint64_t> committed_;
    alignas(64) sync::atomic<std::uint32_t> sleepers_{0};
    sync::atomic<std::uint32_t> epoch_{0};
    sync::atomic<std::uint64_t> next_watch_{UINT64_MAX}; // the least timestamp that a future is watched for
    sync::atomic<bool> watched_{false};                  // so that nobody takes the mutex where none is
    std::uint64_t slots_;
    std::unique_ptr<sync::atomic<std::uint64_t>[]> marks_;

    sync::mutex watches_mutex_;
    std::unordered_map<const void *, Watch> watches_;
    std::set<std::pair<std::uint64_t, const void *>> armed_; // by timestamp
    Call *calls_ = nullptr;
    sync::condition_variable call_ended_;
};

} // namespace pms
