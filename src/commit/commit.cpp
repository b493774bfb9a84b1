// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

#include "commit/commit.hpp"

#include "format/layout.hpp"

#include <algorithm>
#include <utility>

namespace pms {
namespace {

// Sets `watermark` to `value` unless it is higher already. Tells whether it did.
bool raise(std::atomic<std::uint64_t> &watermark, std::uint64_t value) noexcept
{
    std::uint64_t current = watermark.load(std::memory_order_relaxed);
    while (current < value)
        // Sequentially consistent: also the barrier between this thread's mark and its look at the marks of others
        // (advance()).
        if (watermark.compare_exchange_weak(current, value, std::memory_order_seq_cst, std::memory_order_relaxed))
            return true;
    return false;
}

// As many timestamps are kept back as there can be threads between the check and the taking.
constexpr std::uint64_t timestamp_reserve = 1 << 20;

} // namespace

Commit::Commit(std::uint64_t slots, std::uint64_t last)
    : last_(last), persisted_(last), committed_(last), slots_(slots),
      marks_(std::make_unique<std::atomic<std::uint64_t>[]>(slots))
{}

bool Commit::exhausted() const noexcept
{
    return handed_out() >= format::max_timestamp - timestamp_reserve;
}

void Commit::mark(std::uint64_t timestamp, bool durable) noexcept
{
    // Release: who sees the mark sees the entry.
    slot(timestamp).store(encode(timestamp, durable), std::memory_order_release);
    advance();
    if (reached(durable ? Stage::persisted : Stage::committed) >= timestamp)
        return;
    // A predecessor is not marked yet, as far as this thread sees. Its owner may have marked it and looked at our slot
    // before our mark was visible there; with the barrier one of the two sees the other's mark.
    std::atomic_thread_fence(std::memory_order_seq_cst);
    advance();
}

void Commit::advance() noexcept
{
    bool moved = false;
    for (;;) {
        const std::uint64_t durable_from = persisted();
        std::uint64_t durable = durable_from;
        while (slot(durable + 1).load(std::memory_order_acquire) == encode(durable + 1, true))
            ++durable;
        const std::uint64_t copied_from = committed();
        std::uint64_t copied = durable > copied_from ? durable : copied_from;
        while (slot(copied + 1).load(std::memory_order_acquire) >> 1 == copied + 1)
            ++copied;

        bool raised = false;
        if (durable != durable_from)
            raised = raise(persisted_, durable);
        if (copied > durable && copied != copied_from)
            raised = raise(committed_, copied) || raised;
        if (!raised)
            break;
        // Somebody may have marked a slot before he could see the watermark move up to it: look again.
        moved = true;
    }
    if (moved)
        notify();
}

void Commit::raise_persisted(std::uint64_t timestamp) noexcept
{
    if (!raise(persisted_, timestamp))
        return;
    notify();
    advance();
}

void Commit::wake_threads() noexcept
{
    epoch_.fetch_add(1, std::memory_order_acq_rel);
    epoch_.notify_all();
}

void Commit::notify() noexcept
{
    if (waiters_.load(std::memory_order_seq_cst) == 0)
        return;
    wake_threads();
    wake_futures(false);
}

void Commit::notify_all_futures() noexcept
{
    wake_threads();
    wake_futures(true);
}

Commit::Watch &Commit::watch_slot(const void *key, std::uint64_t timestamp)
{
    auto watch = std::ranges::find(watches_, key, &Watch::key);
    if (watch == watches_.end())
        watch = watches_.insert(watches_.end(), Watch{key, timestamp, {}, nullptr, false});
    watch->timestamp = timestamp;
    return *watch;
}

void Commit::watch(const void *key, std::uint64_t timestamp, const future_waker &waker)
{
    const std::lock_guard guard(watches_mutex_);
    Watch &watch = watch_slot(key, timestamp);
    watch.waker = waker;
    watch.word.reset();
    if (!std::exchange(watch.armed, true))
        waiters_.fetch_add(1, std::memory_order_seq_cst);
}

std::uint64_t *Commit::watch_by_word(const void *key, std::uint64_t timestamp)
{
    static_assert(sizeof(std::atomic<std::uint64_t>) == sizeof(std::uint64_t));
    const std::lock_guard guard(watches_mutex_);
    auto fresh = std::make_unique<std::atomic<std::uint64_t>>(0);
    Watch &watch = watch_slot(key, timestamp);
    if (watch.word == nullptr)
        watch.word = std::move(fresh);
    watch.word->store(0, std::memory_order_relaxed);
    if (!std::exchange(watch.armed, true))
        waiters_.fetch_add(1, std::memory_order_seq_cst);
    return reinterpret_cast<std::uint64_t *>(watch.word.get());
}

void Commit::unwatch(const void *key) noexcept
{
    const std::lock_guard guard(watches_mutex_);
    const auto watch = std::ranges::find(watches_, key, &Watch::key);
    if (watch == watches_.end())
        return;
    if (watch->armed)
        waiters_.fetch_sub(1, std::memory_order_relaxed);
    watches_.erase(watch);
}

void Commit::wake_futures(bool all) noexcept
{
    // Under the mutex, so that nobody's waker is called after unwatch() returned to him. A waker therefore must not
    // poll.
    const std::lock_guard guard(watches_mutex_);
    for (Watch &watch : watches_) {
        if (!watch.armed || (!all && committed() < watch.timestamp))
            continue;
        watch.armed = false;
        waiters_.fetch_sub(1, std::memory_order_relaxed);
        if (watch.word != nullptr)
            watch.word->store(1, std::memory_order_release);
        else
            watch.waker.wake(watch.waker.data);
    }
    // A word must stay for who monitors it.
    std::erase_if(watches_, [](const Watch &watch) { return !watch.armed && watch.word == nullptr; });
}

} // namespace pms
