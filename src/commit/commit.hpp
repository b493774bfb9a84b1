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

#include <libminiasync/future.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

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
    bool has_slot(std::uint64_t timestamp) const noexcept { return timestamp - committed() <= slots_; }

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
        // then looks at the number of waiters (notify()). So either ready() sees the progress or the other sees the
        // waiter.
        waiters_.fetch_add(1, std::memory_order_seq_cst);
        const std::uint32_t seen = epoch_.load(std::memory_order_acquire);
        if (!ready())
            epoch_.wait(seen, std::memory_order_acquire);
        waiters_.fetch_sub(1, std::memory_order_relaxed);
    }

    // Wakes all who wait, to look again.
    void notify() noexcept;

    // Has `waker` woken, once, when `timestamp` is committed or notify_all_futures() is called; `key` names the future,
    // whose earlier waker is replaced. Throws std::bad_alloc.
    void watch(const void *key, std::uint64_t timestamp, const future_waker &waker);
    // After this returned the waker of `key` is not called any more.
    void unwatch(const void *key) noexcept;
    // Wakes all futures: a copy they may wait for has made progress.
    void notify_all_futures() noexcept;

    // The same for a poller: gives a word that is 0 now and becomes 1 when a waker would be woken. It stays the
    // stream's, and is good until the key is unwatched. Throws std::bad_alloc.
    std::uint64_t *watch_by_word(const void *key, std::uint64_t timestamp);

private:
    struct Watch {
        const void *key;
        std::uint64_t timestamp;
        future_waker waker;
        std::unique_ptr<std::atomic<std::uint64_t>> word; // instead of a waker
        bool armed;                                       // neither woken nor given up yet; counts as a waiter
    };

    static std::uint64_t encode(std::uint64_t timestamp, bool durable) noexcept { return timestamp << 1 | durable; }
    std::atomic<std::uint64_t> &slot(std::uint64_t timestamp) noexcept { return marks_[timestamp & (slots_ - 1)]; }
    Watch &watch_slot(const void *key, std::uint64_t timestamp);
    void wake_threads() noexcept;
    void wake_futures(bool all) noexcept;

    // Each on a line of its own: every append writes the first two, whoever waits the last.
    alignas(64) std::atomic<std::uint64_t> last_;      // handed out
    alignas(64) std::atomic<std::uint64_t> persisted_; // only rises
    // Only rises; may lag behind persisted_, since synchronous appends move only that one. Released by who saw the
    // marks, acquired by readers of the entries.
    alignas(64) std::atomic<std::uint64_t> committed_;
    alignas(64) std::atomic<std::uint32_t> waiters_{0}; // threads that sleep, and futures that are watched
    std::atomic<std::uint32_t> epoch_{0};
    std::uint64_t slots_;
    std::unique_ptr<std::atomic<std::uint64_t>[]> marks_;

    std::mutex watches_mutex_;
    std::vector<Watch> watches_;
};

} // namespace pms
