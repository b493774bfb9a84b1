// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// The commit protocol: hands out timestamps, and knows up to which one every entry is committed (visible) and persisted
// (durable).
//
// Who completes an entry whose predecessors are complete moves the watermark over it himself. Who comes before his
// predecessor looks for it a moment; then he marks his slot, with a bit that tells whether the entry is durable, and
// whoever moves the watermark up to a marked slot moves it on, in the order of the timestamps. So a thread that loses
// its processor between taking a timestamp and completing it holds up nobody after it is back, and the others sleep
// meanwhile.
//
// Nothing here waits for a store to be seen by others, since a locked instruction behind the entry's fence would cost a
// third of the fence again: a watermark is moved by a plain store, then the next slot, the sleepers and the watches are
// looked at. The first who is about to depend on being seen (he sleeps, or has himself watched) pays for all: he
// announces himself, executes the heavy fence, and looks. Until then a watermark may lag behind the marks; advance()
// moves it. While somebody depends, everybody executes a full fence where he did a light one, so that whoever joins him
// needs no heavy one: what others did before the first's is seen, what they do after it is fenced.
// An entry that is copied but not durable stops the persisted watermark until somebody flushes what is dirty
// and raises it.
#pragma once

#include "format/layout.hpp"
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
    // As many timestamps are kept back as there can be threads between the look at exhausted() and the taking.
    static constexpr std::uint64_t last_taken = format::max_timestamp - (1 << 20);

    // `slots` is a power of two: so many timestamps can be handed out and not yet committed. `last` is the last
    // timestamp of the recovered stream.
    Commit(std::uint64_t slots, std::uint64_t last);
    Commit(const Commit &) = delete;
    Commit &operator=(const Commit &) = delete;

    // Has the persisted watermark in `word` from here on, which readers in other processes see, too, and which outlives
    // this. nullptr: it stays here. Before any other thread is there.
    void share(std::uint64_t *word) noexcept;

    // Every entry up to it is visible.
    std::uint64_t committed() const noexcept
    {
        const std::uint64_t durable = persisted();
        const std::uint64_t copied = committed_.load(std::memory_order_acquire);
        return copied > durable ? copied : durable;
    }
    // Every entry up to it is durable.
    std::uint64_t persisted() const noexcept { return persisted_->load(std::memory_order_acquire); }
    std::uint64_t reached(Stage stage) const noexcept { return stage == Stage::committed ? committed() : persisted(); }
    std::uint64_t handed_out() const noexcept { return last_.load(std::memory_order_acquire); }
    bool exhausted() const noexcept { return exhausted_.load(std::memory_order_relaxed); }
    // Whether `timestamp`, handed out or the next one, has a slot of its own.
    bool has_slot(std::uint64_t timestamp) const noexcept { return timestamp <= committed() + slots_; }

    // Hands out the next timestamp. From here until it is marked the thread must not wait for anything but a slot.
    std::uint64_t take() noexcept
    {
        const std::uint64_t timestamp = last_.fetch_add(1, std::memory_order_acq_rel) + 1;
        if (timestamp >= last_taken) [[unlikely]]
            exhausted_.store(true, std::memory_order_relaxed);
        return timestamp;
    }

    // The entry is copied, and with `durable` the calling thread has fenced it. has_slot(timestamp) holds.
    void mark(std::uint64_t timestamp, bool durable) noexcept;
    // The same without a mark, and without a slot, if the predecessors are, or are in a moment, complete. Else false.
    bool pass(std::uint64_t timestamp, bool durable) noexcept
    {
        // Until `timestamp` is marked only its owner may move a watermark over it: nobody else writes to one that
        // stands right before it, but to raise it to less. So what is stored here takes nothing back.
        sync::atomic<std::uint64_t> &watermark = durable ? *persisted_ : committed_;
        if (watermark.load(std::memory_order_acquire) != timestamp - 1) [[unlikely]] {
            if (!look_for(timestamp - 1, durable))
                return false;
        }
        watermark.store(timestamp, std::memory_order_release);
        sync::light_fence();
        if (marked(timestamp + 1) || somebody_depends()) [[unlikely]]
            pass_on();
        return true;
    }

    // Whether futures may be watched that wake_futures() would wake.
    bool somebody_watches() const noexcept { return next_watch_.load(std::memory_order_acquire) != UINT64_MAX; }

    // Moves the watermarks as far as the marks allow, and wakes who sleeps for them.
    void advance() noexcept
    {
        catch_up();
        wake_due_sleepers();
    }
    // The same for who only looks, and wakes nobody: a thread that stops in it holds up no other. Who marked last wakes
    // whoever sleeps, even if a look has moved the watermark for him.
    void catch_up() noexcept;

    // The caller has made everything up to `timestamp` durable.
    void raise_persisted(std::uint64_t timestamp) noexcept;

    // ---- Waiting

    // Sleeps until `timestamp` is committed, or notify() is called, or for no reason, unless ready() is true. ready()
    // is called once, and calls advance() if it depends on a watermark.
    template <typename Ready>
    void sleep_until(std::uint64_t timestamp, Ready ready)
    {
        Sleeper sleeper{timestamp};
        list(sleeper);
        // Whoever wakes sleepers raises it after what he wakes them for.
        const std::uint32_t seen = epoch_.load(std::memory_order_acquire);
        if (!ready())
            epoch_.wait(seen, std::memory_order_acquire);
        if (sleeper.listed.load(std::memory_order_acquire))
            unlist(sleeper);
    }
    // As a timestamp: waits for notify() alone.
    static constexpr std::uint64_t no_timestamp = UINT64_MAX;

    // Wakes all threads that sleep, to look again: something else than a watermark has changed that they may wait for.
    void notify() noexcept;
    // The same, and makes every watched future due. They are woken by who calls wake_futures() next.
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
        if (futures_are_due())
            wake_due_futures();
    }
    // Behind the fences that belong to moving a watermark.
    bool futures_are_due() const noexcept { return committed() >= next_watch_.load(std::memory_order_acquire); }

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
    // A thread that sleeps. Lies on its stack.
    struct Sleeper {
        std::uint64_t timestamp;
        Sleeper *previous = nullptr;
        Sleeper *next = nullptr;
        sync::atomic<bool> listed{true};
    };

    // Whether anybody sleeps for a timestamp or has himself watched. Behind a light fence.
    bool somebody_depends() const noexcept
    {
        if (next_sleeper_.load(std::memory_order_acquire) != no_timestamp) [[unlikely]]
            return true;
        return somebody_watches();
    }
    // To be called by whoever moved a watermark by a compare-and-swap.
    void wake_due_sleepers() noexcept;
    void list(Sleeper &sleeper) noexcept;
    [[gnu::noinline]] void unlist(Sleeper &sleeper) noexcept;
    void take_off(Sleeper &sleeper) noexcept;
    void update_next_sleeper() noexcept;
    void next_epoch() noexcept { epoch_.store(epoch_.load(std::memory_order_relaxed) + 1, std::memory_order_release); }
    bool look_for(std::uint64_t timestamp, bool durable) noexcept;
    void pass_on() noexcept;
    bool marked(std::uint64_t timestamp) noexcept
    {
        return slot(timestamp).load(std::memory_order_acquire) >> 1 == timestamp;
    }
    static std::uint64_t encode(std::uint64_t timestamp, bool durable) noexcept { return timestamp << 1 | durable; }
    sync::atomic<std::uint64_t> &slot(std::uint64_t timestamp) noexcept { return marks_[timestamp & (slots_ - 1)]; }
    void arm(const void *key, Watch &watch, std::uint64_t timestamp);
    void disarm(const void *key, Watch &watch) noexcept;
    void update_next_watch() noexcept;
    void update_watched() noexcept;
    bool in_waker() const noexcept;
    void wait_for_call(std::unique_lock<sync::mutex> &lock, const void *key) noexcept;
    [[gnu::noinline]] void wake_due_futures() noexcept;

    // Each on a line of its own: every append writes the first and *persisted_, whoever waits the last.
    alignas(64) sync::atomic<std::uint64_t> last_; // handed out
    alignas(64) sync::atomic<std::uint64_t> unshared_;
    // Only rises; may lag behind *persisted_, since synchronous appends move only that one. Released by who saw the
    // marks, acquired by readers of the entries.
    alignas(64) sync::atomic<std::uint64_t> committed_;
    alignas(64) sync::atomic<std::uint64_t> next_sleeper_{no_timestamp}; // the least timestamp that somebody sleeps for
    sync::atomic<std::uint64_t> next_watch_{UINT64_MAX};                 // the least that a future is watched for
    sync::atomic<bool> watched_{false};                                  // so that nobody takes the mutex where none is
    sync::atomic<bool> exhausted_;                                       // no timestamp may be taken any more
    sync::atomic<std::uint64_t> *persisted_ = &unshared_;                // only rises
    std::uint64_t slots_;
    std::unique_ptr<sync::atomic<std::uint64_t>[]> marks_;

    // Sleepers by timestamp.
    alignas(64) sync::mutex sleepers_mutex_;
    Sleeper *first_sleeper_ = nullptr;
    Sleeper *last_sleeper_ = nullptr;
    sync::atomic<std::uint32_t> epoch_{0}; // rises with the mutex held

    sync::mutex watches_mutex_;
    std::unordered_map<const void *, Watch> watches_;
    std::set<std::pair<std::uint64_t, const void *>> armed_; // by timestamp
    Call *calls_ = nullptr;
    sync::condition_variable call_ended_;
};

} // namespace pms
