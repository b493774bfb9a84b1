// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

#include "libminiasync/runtime.h"

#include "parker.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <new>
#include <sched.h>

// Nothing is kept between two waits: each borrows a parker.
struct runtime {};

namespace {

using namespace miniasync;

// The pauses of a wait for which nobody wakes: the processor is yielded a few times, for what is over soon, then the
// thread sleeps, twice as long each time.
class Backoff {
public:
    void pause(Parker &parker) noexcept
    {
        if (yields_ < yields_max) {
            ++yields_;
            sched_yield();
            return;
        }
        parker.park_for(sleep_);
        sleep_ = std::min(sleep_ * 2, sleep_max);
    }

    void reset() noexcept { *this = Backoff{}; }

private:
    static constexpr unsigned yields_max = 16;
    static constexpr std::chrono::microseconds sleep_min{8};
    static constexpr std::chrono::microseconds sleep_max{1000};

    unsigned yields_ = 0;
    std::chrono::microseconds sleep_ = sleep_min;
};

// Acquire: what was done before the word was set is visible to the poll that follows.
bool is_set(std::uint64_t *word)
{
    return __atomic_load_n(word, __ATOMIC_ACQUIRE) != 0;
}

// How to wait for a future, told from its last poll. Sleeping without a bound needs somebody who promised to wake:
//
//  - A task that took the waker did. Its next poll may come much later, or never before the wake, so the slots are
//  woken
//    one by one and a future is polled only when its own slot is: a task which registers the waker in its first poll
//    alone (op_start gets the notifier, op_check does not) is thus polled exactly when it has something to say.
//  - A task that gave a word to monitor sets it. A word that is set already, although the task is not complete, says
//    nothing: then it is as if nothing were promised.
//  - A task that took neither promised nothing. If it is asynchronous, something else works on it: look again after a
//    pause with an upper bound. If it is not, only a poll brings it forward, and to sleep would be to delay it.
Slot::Again when_to_poll_again(Slot &slot, const future_notifier &notifier)
{
    switch (notifier.notifier_used) {
    case FUTURE_NOTIFIER_WAKER:
        return Slot::Again::when_woken;
    case FUTURE_NOTIFIER_POLLER:
        if (notifier.poller.ptr_to_monitor && !is_set(notifier.poller.ptr_to_monitor)) {
            return Slot::Again::when_word_set;
        }
        return Slot::Again::after_pause;
    default:
        return future_has_property(slot.fut, FUTURE_PROPERTY_ASYNC) > 0 ? Slot::Again::after_pause
                                                                        : Slot::Again::at_once;
    }
}

bool is_complete(const Slot &slot)
{
    return slot.fut->context.state == FUTURE_STATE_COMPLETE;
}

bool is_due(Slot &slot)
{
    switch (slot.again) {
    case Slot::Again::at_once:
    case Slot::Again::after_pause: // the pause has just been made, or cut short by another future's progress
        return true;
    case Slot::Again::when_word_set:
        if (is_set(slot.word)) {
            return true;
        }
        [[fallthrough]];
    case Slot::Again::when_woken:
        return slot.woken.load(std::memory_order_relaxed); // acquired by poll()
    }
    return true;
}

void poll(Slot &slot)
{
    future_notifier notifier{};

    notifier.waker = slot.waker();
    slot.woken.exchange(false, std::memory_order_acquire);
    if (future_poll(slot.fut, &notifier) != FUTURE_STATE_COMPLETE) {
        slot.again = when_to_poll_again(slot, notifier);
        slot.word = notifier.poller.ptr_to_monitor;
    }
}

// Polls what is due, takes what is complete out of the list. Gives what to do before the next round.
enum class Next { round, yield, pause, park };

Next poll_round(Slot *&active)
{
    bool completed = false;
    bool at_once = false;
    bool look_again = false;

    for (Slot **link = &active; *link;) {
        Slot &slot = **link;

        // A future that is in the list twice completes in one of its slots, and nobody would wake the other.
        if (!is_complete(slot) && is_due(slot)) {
            poll(slot);
        }
        if (is_complete(slot)) {
            *link = slot.next;
            completed = true;
            continue;
        }
        at_once |= slot.again == Slot::Again::at_once;
        look_again |= slot.again == Slot::Again::after_pause || slot.again == Slot::Again::when_word_set;
        link = &slot.next;
    }
    if (completed) {
        return Next::round; // what completed may have been what another future waited for
    }
    if (at_once) {
        return Next::yield;
    }
    return look_again ? Next::pause : Next::park;
}

void wait(Parker &parker, Slot *active)
{
    Backoff backoff;

    while (active) {
        switch (poll_round(active)) {
        case Next::round:
            backoff.reset();
            break;
        case Next::yield:
            sched_yield();
            break;
        case Next::pause:
            backoff.pause(parker);
            break;
        case Next::park:
            parker.park();
            break;
        }
    }
}

// All are polled in each round: one may need another to go on.
void wait_without_notifiers(future *futs[], std::size_t nfuts)
{
    for (;;) {
        bool complete = true;
        for (std::size_t i = 0; i < nfuts; ++i) {
            if (futs[i] && future_poll(futs[i], nullptr) != FUTURE_STATE_COMPLETE) {
                complete = false;
            }
        }
        if (complete) {
            return;
        }
        sched_yield();
    }
}

} // namespace

extern "C" {

runtime *runtime_new(void)
{
    auto *rt = new (std::nothrow) runtime;

    if (!rt) {
        errno = ENOMEM;
    }
    return rt;
}

void runtime_delete(runtime *rt)
{
    delete rt;
}

void runtime_wait(runtime *rt, future *fut)
{
    runtime_wait_multiple(rt, &fut, 1);
}

void runtime_wait_multiple(runtime *, future *futs[], size_t nfuts)
{
    Parker *parker = Parker::borrow(nfuts);

    if (!parker) {
        wait_without_notifiers(futs, nfuts);
        return;
    }
    Slot *first = nullptr;
    for (size_t i = nfuts; i > 0; --i) {
        if (futs[i - 1]) {
            Slot &slot = parker->slot(i - 1);
            slot.fut = futs[i - 1];
            slot.again = Slot::Again::at_once;
            slot.next = first;
            first = &slot;
        }
    }
    wait(*parker, first);
    Parker::give_back(parker);
}
}
