// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

#include "commit/commit.hpp"

#include <utility>

namespace pms {
namespace {

// Sets `watermark` to `value` unless it is higher already. Tells whether it did.
bool raise(sync::atomic<std::uint64_t> &watermark, std::uint64_t value) noexcept
{
    std::uint64_t current = watermark.load(std::memory_order_relaxed);
    while (current < value)
        // Sequentially consistent: also the barrier before the look at the marks of others (advance()).
        if (watermark.compare_exchange_weak(current, value, std::memory_order_seq_cst, std::memory_order_relaxed))
            return true;
    return false;
}

constexpr int looks_without_pause = 16;

} // namespace

Commit::Commit(std::uint64_t slots, std::uint64_t last)
    : last_(last), unshared_(last), committed_(last), exhausted_(last >= last_taken), slots_(slots),
      marks_(std::make_unique<sync::atomic<std::uint64_t>[]>(slots))
{}

void Commit::share(std::uint64_t *word) noexcept
{
    static_assert(sizeof(sync::atomic<std::uint64_t>) == sizeof(std::uint64_t));
    if (word == nullptr)
        return;
    auto *const shared = reinterpret_cast<sync::atomic<std::uint64_t> *>(word);
    shared->store(persisted(), std::memory_order_release);
    persisted_ = shared;
}

bool Commit::look_for(std::uint64_t timestamp, bool durable) noexcept
{
    for (int i = 0; i < sync::looks; ++i) {
        // What a predecessor left undurable does not pass by itself.
        if (durable && committed_.load(std::memory_order_relaxed) >= timestamp)
            return false;
        // A pause takes as long as the watermark's way from core to core.
        if (i >= looks_without_pause)
            sync::relax();
        if (reached(durable ? Stage::persisted : Stage::committed) == timestamp)
            return true;
    }
    return false;
}

void Commit::pass_on() noexcept
{
    // Between this thread's watermark and the look at the next mark: whoever depends on it may have seen neither.
    sync::atomic_thread_fence(std::memory_order_seq_cst);
    advance();
}

void Commit::mark(std::uint64_t timestamp, bool durable) noexcept
{
    // Release: who sees the mark sees the entry.
    slot(timestamp).store(encode(timestamp, durable), std::memory_order_release);
    sync::light_fence();
    // The predecessor's owner may have moved the watermark up to here before he could see the mark.
    if (somebody_depends())
        sync::atomic_thread_fence(std::memory_order_seq_cst);
    advance();
}

void Commit::catch_up() noexcept
{
    for (;;) {
        const std::uint64_t durable_from = persisted();
        std::uint64_t durable = durable_from;
        while (slot(durable + 1).load(std::memory_order_acquire) == encode(durable + 1, true))
            ++durable;
        const std::uint64_t copied_from = committed();
        std::uint64_t copied = durable > copied_from ? durable : copied_from;
        while (marked(copied + 1))
            ++copied;

        bool raised = false;
        if (durable != durable_from)
            raised = raise(*persisted_, durable);
        if (copied > durable && copied != copied_from)
            raised = raise(committed_, copied) || raised;
        if (!raised)
            break;
        // Somebody may have marked a slot before he could see the watermark move up to it: look again.
    }
}

void Commit::raise_persisted(std::uint64_t timestamp) noexcept
{
    if (!raise(*persisted_, timestamp))
        return;
    advance();
}

void Commit::wake_due_sleepers() noexcept
{
    if (committed() < next_sleeper_.load(std::memory_order_seq_cst))
        return;
    {
        const std::lock_guard guard(sleepers_mutex_);
        const std::uint64_t reached = committed();
        Sleeper *sleeper = first_sleeper_;
        if (sleeper == nullptr || sleeper->timestamp > reached)
            return;
        // Off the list at once: until they have run, others need not wake them again.
        while (sleeper != nullptr && sleeper->timestamp <= reached) {
            Sleeper *const next = sleeper->next;
            take_off(*sleeper);
            sleeper->listed.store(false, std::memory_order_release); // it may be gone from here on
            sleeper = next;
        }
        update_next_sleeper();
        next_epoch();
    }
    epoch_.notify_all();
}

void Commit::notify() noexcept
{
    {
        const std::lock_guard guard(sleepers_mutex_);
        if (first_sleeper_ == nullptr)
            return;
        next_epoch();
    }
    epoch_.notify_all();
}

void Commit::list(Sleeper &sleeper) noexcept
{
    bool is_first = false;
    {
        const std::lock_guard guard(sleepers_mutex_);
        // Most come in the order of their timestamps.
        Sleeper *before = last_sleeper_;
        while (before != nullptr && before->timestamp > sleeper.timestamp)
            before = before->previous;
        sleeper.previous = before;
        sleeper.next = before == nullptr ? first_sleeper_ : before->next;
        (before == nullptr ? first_sleeper_ : before->next) = &sleeper;
        (sleeper.next == nullptr ? last_sleeper_ : sleeper.next->previous) = &sleeper;
        is_first = next_sleeper_.load(std::memory_order_relaxed) == no_timestamp && sleeper.timestamp != no_timestamp;
        update_next_sleeper();
        if (is_first)
            sync::heavy_fence();
    }
    if (!is_first)
        sync::atomic_thread_fence(std::memory_order_seq_cst); // before the caller's look at the watermark
}

void Commit::unlist(Sleeper &sleeper) noexcept
{
    const std::lock_guard guard(sleepers_mutex_);
    // Somebody may have taken it off meanwhile.
    if (!sleeper.listed.load(std::memory_order_relaxed))
        return;
    take_off(sleeper);
    update_next_sleeper();
}

void Commit::take_off(Sleeper &sleeper) noexcept
{
    (sleeper.previous == nullptr ? first_sleeper_ : sleeper.previous->next) = sleeper.next;
    (sleeper.next == nullptr ? last_sleeper_ : sleeper.next->previous) = sleeper.previous;
}

void Commit::update_next_sleeper() noexcept
{
    // What has to come before the next look at the watermarks has a fence of its own, in list().
    next_sleeper_.store(first_sleeper_ == nullptr ? no_timestamp : first_sleeper_->timestamp,
                        std::memory_order_release);
}

void Commit::notify_all() noexcept
{
    notify();
    if (!watched_.load(std::memory_order_seq_cst))
        return;
    const std::lock_guard guard(watches_mutex_);
    // Timestamp 0 is always committed. Nothing is allocated: the nodes change their places.
    while (!armed_.empty() && armed_.rbegin()->first != 0) {
        auto node = armed_.extract(std::prev(armed_.end()));
        watches_.find(node.value().second)->second.timestamp = 0;
        node.value().first = 0;
        armed_.insert(std::move(node));
    }
    update_next_watch();
}

void Commit::update_next_watch() noexcept
{
    // What has to come before the next look at the watermarks has a fence of its own, in arm().
    next_watch_.store(armed_.empty() ? UINT64_MAX : armed_.begin()->first, std::memory_order_release);
}

// The calling thread is inside a waker of `key`.
struct Commit::Call {
    const void *key;
    sync::thread_id thread;
    Call *next;
};

void Commit::update_watched() noexcept
{
    watched_.store(!watches_.empty() || calls_ != nullptr, std::memory_order_seq_cst);
}

bool Commit::in_waker() const noexcept
{
    for (const Call *call = calls_; call != nullptr; call = call->next)
        if (call->thread == sync::this_thread_id())
            return true;
    return false;
}

void Commit::wait_for_call(std::unique_lock<sync::mutex> &lock, const void *key) noexcept
{
    // Two wakers that poll each other's futures would wait for each other.
    if (in_waker())
        return;
    call_ended_.wait(lock, [&] {
        for (const Call *call = calls_; call != nullptr; call = call->next)
            if (call->key == key)
                return false;
        return true;
    });
}

void Commit::arm(const void *key, Watch &watch, std::uint64_t timestamp)
{
    disarm(key, watch);
    const bool is_first = armed_.empty();
    armed_.emplace(timestamp, key);
    watch.timestamp = timestamp;
    watch.armed = true;
    update_next_watch();
    // Between that store and the caller's next look at the watermarks.
    if (is_first)
        sync::heavy_fence();
    else
        sync::atomic_thread_fence(std::memory_order_seq_cst);
}

void Commit::disarm(const void *key, Watch &watch) noexcept
{
    if (!std::exchange(watch.armed, false))
        return;
    armed_.erase({watch.timestamp, key});
    update_next_watch();
}

void Commit::watch(const void *key, std::uint64_t timestamp, const future_waker &waker)
{
    std::unique_lock lock(watches_mutex_);
    wait_for_call(lock, key);
    Watch &watch = watches_[key];
    update_watched();
    watch.waker = waker;
    watch.word.reset();
    arm(key, watch, timestamp);
}

std::uint64_t *Commit::watch_by_word(const void *key, std::uint64_t timestamp)
{
    static_assert(sizeof(sync::atomic<std::uint64_t>) == sizeof(std::uint64_t));
    std::unique_lock lock(watches_mutex_);
    wait_for_call(lock, key);
    Watch &watch = watches_[key];
    update_watched();
    if (watch.word == nullptr)
        watch.word = std::make_unique<sync::atomic<std::uint64_t>>(0);
    watch.word->store(0, std::memory_order_relaxed);
    arm(key, watch, timestamp);
    return reinterpret_cast<std::uint64_t *>(watch.word.get());
}

void Commit::unwatch(const void *key) noexcept
{
    if (!watched_.load(std::memory_order_seq_cst))
        return;
    std::unique_lock lock(watches_mutex_);
    wait_for_call(lock, key);
    const auto entry = watches_.find(key);
    if (entry == watches_.end())
        return;
    disarm(key, entry->second);
    watches_.erase(entry);
    update_watched();
}

void Commit::wake_due_futures() noexcept
{
    std::unique_lock lock(watches_mutex_);
    // A waker that polls comes back here: the loop that called it goes on, however many are due.
    if (in_waker())
        return;
    while (!armed_.empty() && armed_.begin()->first <= committed()) {
        const void *key = armed_.begin()->second;
        const auto entry = watches_.find(key);
        disarm(key, entry->second);
        if (entry->second.word != nullptr) {
            // It stays for who monitors it.
            entry->second.word->store(1, std::memory_order_release);
            continue;
        }
        const future_waker waker = entry->second.waker;
        watches_.erase(entry);
        Call call{key, sync::this_thread_id(), calls_};
        calls_ = &call;
        lock.unlock();
        waker.wake(waker.data);
        lock.lock();
        Call **place = &calls_;
        while (*place != &call)
            place = &(*place)->next;
        *place = call.next;
        update_watched();
        call_ended_.notify_all();
    }
}

} // namespace pms
