// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// Waiting for watermarks, and making progress meanwhile.

#include "stream/stream.hpp"

#include "base/kept_errno.hpp"

#include <algorithm>
#include <chrono>
#include <new>

namespace pms {

Error Stream::wait(Stage stage, std::uint64_t timestamp) noexcept
{
    const WakesFutures wakes(commit_);
    return wait(stage, timestamp, Wakers::may_be_called);
}

Error Stream::wait(Stage stage, std::uint64_t timestamp, Wakers wakers) noexcept
{
    const KeptErrno kept;
    // A sync takes longer than what a predecessor in another thread has left to do: a thread that waited for that first
    // would come too late for the sync that the others are waiting for.
    bool may_persist = stage == Stage::persisted && durability() == format::Durability::sync &&
                       medium_.granularity() == Granularity::page;
    for (;;) {
        if (commit_.reached(stage) >= timestamp)
            return Error::none;
        // A failed medium stops nobody from copying, so waiting for slots goes on; nothing becomes durable any more.
        if (stage == Stage::persisted && failed_.load(std::memory_order_acquire))
            return Error::medium_failed;
        const Copies::Progress progress = copies_.advance(timestamp);
        commit_.advance();
        if (committed() >= timestamp || (may_persist && !progress.running)) {
            may_persist = false;
            if (stage == Stage::persisted)
                if (const Error error = persist(timestamp); failed(error))
                    return error;
            continue;
        }
        if (progress.running && !progress.notifies) {
            // Nobody tells when this copy is complete.
            sync::sleep_for(std::chrono::microseconds(20));
            continue;
        }
        if (wakers == Wakers::may_be_called)
            commit_.wake_futures();
        commit_.sleep_until(timestamp, [&] {
            const Copies::Progress now = copies_.advance(timestamp);
            commit_.advance();
            // What that made due must not wait for this thread.
            const bool others_are_due = wakers == Wakers::may_be_called && commit_.futures_are_due();
            return committed() >= timestamp || others_are_due || (now.running && !now.notifies) ||
                   (stage == Stage::persisted && failed_.load(std::memory_order_acquire));
        });
    }
}

Error Stream::poll(Stage stage, std::uint64_t timestamp, const void *key, future_notifier *notifier,
                   bool &running) noexcept
{
    const WakesFutures wakes(commit_);
    bool notifies = true;
    // Tells whether the wait is over. An error ends it, too.
    const auto step = [&](Error &error) {
        if (commit_.reached(stage) >= timestamp)
            return true;
        const Copies::Progress progress = copies_.advance(timestamp);
        notifies = !progress.running || progress.notifies;
        commit_.advance();
        if (stage == Stage::persisted) {
            // Also what lies in front of the timestamp, though that is not committed yet.
            error = persist(std::min(timestamp, committed()));
            return failed(error) || persisted() >= timestamp;
        }
        return committed() >= timestamp;
    };

    Error error = Error::none;
    running = false;
    if (step(error)) {
        commit_.unwatch(key);
        return error;
    }
    const bool by_poller =
        notifier != nullptr && (notifier->notifier_used == FUTURE_NOTIFIER_POLLER || notifier->waker.wake == nullptr);
    if (notifier != nullptr) {
        bool watched = true;
        try {
            // Also a wait for "persisted" is woken by the commit: persisting is then done by its next poll.
            notifier->notifier_used = by_poller ? FUTURE_NOTIFIER_POLLER : FUTURE_NOTIFIER_WAKER;
            if (by_poller)
                notifier->poller.ptr_to_monitor = commit_.watch_by_word(key, timestamp);
            else
                commit_.watch(key, timestamp, notifier->waker);
        } catch (const std::bad_alloc &) {
            watched = false;
        }
        // What came to pass before the waker was in place wakes nobody.
        if (step(error)) {
            commit_.unwatch(key);
            return error;
        }
        if (!watched || !notifies)
            notifier->notifier_used = FUTURE_NOTIFIER_NONE;
    }
    running = true;
    return Error::none;
}

Error Stream::persist(std::uint64_t wanted) noexcept
{
    const auto has_failed = [&] { return failed_.load(std::memory_order_acquire); };
    if (has_failed())
        return Error::medium_failed;
    if (durability() == format::Durability::process) {
        commit_.raise_persisted(committed());
        return Error::none;
    }
    if (medium_.granularity() != Granularity::page)
        return persist_committed();
    if (persisted() >= wanted)
        return Error::none;
    group_commit_.take_part([&] { return persisted() >= wanted || has_failed(); },
                            [&] { static_cast<void>(persist_committed()); });
    return has_failed() && persisted() < wanted ? Error::medium_failed : Error::none;
}

Error Stream::persist_committed() noexcept
{
    if (failed_.load(std::memory_order_acquire))
        return Error::medium_failed;
    const std::uint64_t target = committed();
    if (persisted() >= target)
        return Error::none;
    if (const Error error = flush_dirty(target); failed(error))
        return error;
    commit_.raise_persisted(target);
    return Error::none;
}

Error Stream::flush_dirty(std::uint64_t target) noexcept
{
    // Everything up to `target` lies in the ranges as they are now.
    const std::uint64_t turn = persist_turn_.fetch_add(1, std::memory_order_relaxed) + 1;
    Flush flush(medium_);
    dirty_regions_.each([&](Region &region) {
        DirtyRange range;
        {
            const std::lock_guard guard(region.mutex());
            range = region.begin_flush(target, turn);
        }
        if (!range.empty())
            flush.add(range.begin, range.end - range.begin);
    });
    if (failed(flush.wait()))
        return fail();

    dirty_regions_.each([&](Region &region) {
        const std::lock_guard guard(region.mutex());
        if (!region.end_flush(turn) || !region.in_dirty_list)
            return;
        region.in_dirty_list = false;
        dirty_regions_.remove(region);
    });
    return Error::none;
}

} // namespace pms
