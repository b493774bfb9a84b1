// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// Stands in for src/sync/sync.hpp in the tests: the same names, whose operations ask the scheduler first. Outside its
// threads they are what they are called, for one thread at a time.
#pragma once

#include "sync/brief_mutex.hpp"
#include "sync/planted.hpp"
#include "sync/scheduler.hpp"
#include "sync/untracked.hpp"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <shared_mutex>
#include <source_location>
#include <type_traits>

namespace pms::sync {

using scheduled::Operation;
using scheduled::Planted;
using scheduled::Scheduler;
using Place = std::source_location;

struct thread_id {
    unsigned number = 0;
    bool operator==(const thread_id &) const = default;
};

inline thread_id this_thread_id() noexcept
{
    const scheduled::Untracked untracked;
    const Scheduler *scheduler = Scheduler::active();
    return {scheduler == nullptr ? 1 : scheduler->current() + 2};
}

// Who would wait here waits for ever: no other thread is there.
[[noreturn]] inline void waits_alone(const Place &place)
{
    std::fprintf(stderr, "waits for nobody at %s:%u\n", place.file_name(), static_cast<unsigned>(place.line()));
    std::abort();
}

template <typename Duration>
void sleep_for(Duration, const Place &place = Place::current())
{
    if (Scheduler *scheduler = Scheduler::active()) {
        scheduler->drain();
        scheduler->step({.kind = Operation::Kind::sleep, .place = place});
        scheduler->touch(nullptr, false);
    }
}

inline void atomic_thread_fence(std::memory_order order, const Place &place = Place::current()) noexcept
{
    // The others are no instruction.
    if (Scheduler *scheduler = Scheduler::active(); scheduler != nullptr && order == std::memory_order_seq_cst) {
        if (Planted::at(Planted::Kind::no_fence, place))
            return;
        scheduler->step({.kind = Operation::Kind::fence, .place = place});
        scheduler->drain();
        scheduler->touch(nullptr, false);
    }
    std::atomic_thread_fence(order);
}

// The scheduler, which has let the thread notify those that wait on `object`; nullptr: it is not to.
inline Scheduler *begin_notify(const void *object, const Place &place)
{
    Scheduler *scheduler = Scheduler::active();
    if (scheduler == nullptr || Planted::at(Planted::Kind::no_notify, place))
        return nullptr;
    scheduler->step({.kind = Operation::Kind::notify, .object = object, .place = place});
    scheduler->drain();
    scheduler->touch(object, true);
    return scheduler;
}

template <typename T>
class atomic {
    static_assert(std::is_trivially_copyable_v<T> && sizeof(T) <= sizeof(std::uint64_t));

public:
    constexpr atomic() noexcept = default;
    constexpr atomic(T value) noexcept : value_(value) {}
    atomic(const atomic &) = delete;
    atomic &operator=(const atomic &) = delete;

    T load(std::memory_order order = std::memory_order_seq_cst, const Place &place = Place::current()) const noexcept
    {
        if (Scheduler *scheduler = Scheduler::active()) {
            scheduler->step({.kind = Operation::Kind::load, .object = this, .place = place});
            return look(*scheduler, order);
        }
        return value_.load(order);
    }
    operator T() const noexcept { return load(); }

    void store(T value, std::memory_order order = std::memory_order_seq_cst,
               const Place &place = Place::current()) noexcept
    {
        Scheduler *scheduler = Scheduler::active();
        if (scheduler == nullptr)
            return value_.store(value, order);
        if (Planted::at(Planted::Kind::no_store, place))
            return;
        if (order == std::memory_order_seq_cst && Planted::at(Planted::Kind::weak_store, place))
            order = std::memory_order_release;
        // A sequentially consistent store is a locked instruction.
        const bool may_be_kept = order != std::memory_order_seq_cst;
        scheduler->step({.kind = Operation::Kind::store, .object = this, .may_be_kept = may_be_kept, .place = place});
        if (may_be_kept && scheduler->keeps_back())
            return scheduler->keep(this, to_bits(value), [](void *object, std::uint64_t bits) {
                static_cast<atomic *>(object)->value_.store(from_bits(bits), std::memory_order_release);
            });
        scheduler->drain();
        scheduler->touch(this, true);
        value_.store(value, order);
    }

    T exchange(T value, std::memory_order order = std::memory_order_seq_cst,
               const Place &place = Place::current()) noexcept
    {
        update(place);
        return value_.exchange(value, order);
    }

    T fetch_add(T value, std::memory_order order = std::memory_order_seq_cst,
                const Place &place = Place::current()) noexcept
    {
        if (Scheduler::active() != nullptr && Planted::at(Planted::Kind::torn_update, place)) {
            const T before = load(std::memory_order_seq_cst, place);
            store(before + value, std::memory_order_seq_cst, place);
            return before;
        }
        update(place);
        return value_.fetch_add(value, order);
    }
    T fetch_sub(T value, std::memory_order order = std::memory_order_seq_cst,
                const Place &place = Place::current()) noexcept
    {
        update(place);
        return value_.fetch_sub(value, order);
    }

    bool compare_exchange_strong(T &expected, T value, std::memory_order order = std::memory_order_seq_cst,
                                 const Place &place = Place::current()) noexcept
    {
        if (Scheduler::active() != nullptr && Planted::at(Planted::Kind::torn_update, place)) {
            store(value, std::memory_order_seq_cst, place);
            return true;
        }
        update(place);
        return value_.compare_exchange_strong(expected, value, order);
    }
    // Never fails for no reason.
    bool compare_exchange_weak(T &expected, T value, std::memory_order order, std::memory_order,
                               const Place &place = Place::current()) noexcept
    {
        return compare_exchange_strong(expected, value, order, place);
    }

    void wait(T old, std::memory_order order = std::memory_order_seq_cst,
              const Place &place = Place::current()) const noexcept
    {
        // Between the look and the sleep nobody comes, as with a futex.
        for (T now = load(order, place); same(now, old);) {
            Scheduler *scheduler = Scheduler::active();
            if (scheduler == nullptr)
                waits_alone(place);
            scheduler->drain();
            if (!same(now = look(*scheduler, order), old))
                return;
            scheduler->wait_on(this, place);
            now = look(*scheduler, order);
        }
    }
    void notify_all(const Place &place = Place::current()) noexcept
    {
        if (Scheduler *scheduler = begin_notify(this, place))
            scheduler->wake_all(this);
    }
    void notify_one(const Place &place = Place::current()) noexcept
    {
        if (Scheduler *scheduler = begin_notify(this, place))
            scheduler->wake_one(this);
    }

private:
    static bool same(T left, T right) noexcept { return std::memcmp(&left, &right, sizeof left) == 0; }
    static std::uint64_t to_bits(T value) noexcept
    {
        std::uint64_t bits = 0;
        std::memcpy(&bits, &value, sizeof value);
        return bits;
    }
    static T from_bits(std::uint64_t bits) noexcept
    {
        T value;
        std::memcpy(static_cast<void *>(&value), &bits, sizeof value);
        return value;
    }
    T look(Scheduler &scheduler, std::memory_order order) const noexcept
    {
        scheduler.touch(this, false);
        if (const std::uint64_t *kept = scheduler.kept(this))
            return from_bits(*kept);
        return value_.load(order);
    }
    void update(const Place &place) noexcept
    {
        if (Scheduler *scheduler = Scheduler::active()) {
            scheduler->step({.kind = Operation::Kind::update, .object = this, .place = place});
            scheduler->drain();
            scheduler->touch(this, true);
        }
    }

    std::atomic<T> value_{};
};

class shared_mutex {
public:
    constexpr shared_mutex() noexcept = default;
    shared_mutex(const shared_mutex &) = delete;
    shared_mutex &operator=(const shared_mutex &) = delete;

    void lock(const Place &place = Place::current())
    {
        take(Operation::Kind::lock, place, [](const void *self) {
            return static_cast<const shared_mutex *>(self)->holders_.load(std::memory_order_relaxed) == 0;
        });
        // The order that a lock gives, for ThreadSanitizer.
        holders_.exchange(-1, std::memory_order_acquire);
    }
    void lock_shared(const Place &place = Place::current())
    {
        take(Operation::Kind::lock_shared, place, [](const void *self) {
            return static_cast<const shared_mutex *>(self)->holders_.load(std::memory_order_relaxed) >= 0;
        });
        holders_.fetch_add(1, std::memory_order_acquire);
    }
    void unlock(const Place &place = Place::current())
    {
        give_back(place);
        holders_.store(0, std::memory_order_release);
    }
    void unlock_shared(const Place &place = Place::current())
    {
        give_back(place);
        holders_.fetch_sub(1, std::memory_order_release);
    }

private:
    void take(Operation::Kind kind, const Place &place, bool (*possible)(const void *self))
    {
        Scheduler *scheduler = Scheduler::active();
        if (scheduler == nullptr) {
            if (!possible(this))
                waits_alone(place);
            return;
        }
        scheduler->step({.kind = kind, .object = this, .possible = possible, .argument = this, .place = place});
        scheduler->drain();
        scheduler->touch(this, true);
    }
    void give_back(const Place &place)
    {
        if (Scheduler *scheduler = Scheduler::active()) {
            scheduler->step({.kind = Operation::Kind::unlock, .object = this, .place = place});
            scheduler->drain();
            scheduler->touch(this, true);
        }
    }

    std::atomic<int> holders_{0}; // -1: one, alone
};

class mutex : private shared_mutex {
public:
    using shared_mutex::lock;
    using shared_mutex::unlock;
};

// Whole streams are explored with a mutex that takes one step; the real one has scenarios of its own.
using brief_mutex = mutex;

inline void light_fence() noexcept {}
inline void heavy_fence(const Place &place = Place::current()) noexcept
{
    if (Scheduler *scheduler = Scheduler::active()) {
        if (Planted::at(Planted::Kind::no_fence, place))
            return;
        scheduler->step({.kind = Operation::Kind::fence, .place = place});
        scheduler->drain_all();
        scheduler->touch(nullptr, false);
    }
}

// Stands still but while somebody waits for a moment to come.
struct clock {
    using time_point = std::chrono::steady_clock::time_point;
    using duration = time_point::duration;
    static inline std::atomic<duration::rep> passed{0};
    static time_point now() noexcept { return time_point(duration(passed.load(std::memory_order_relaxed))); }
    static void pass_to(time_point moment) noexcept
    {
        if (moment > now())
            passed.store(moment.time_since_epoch().count(), std::memory_order_relaxed);
    }
};

// The moment comes as soon as the thread goes on.
inline void wait_until(atomic<std::uint32_t> &word, std::uint32_t old, clock::time_point until,
                       const Place &place = Place::current()) noexcept
{
    if (until == clock::time_point::max())
        return word.wait(old, std::memory_order_acquire, place);
    sleep_for(std::chrono::nanoseconds(1), place);
    clock::pass_to(until);
}
inline void wake_all(atomic<std::uint32_t> &word, const Place &place = Place::current()) noexcept
{
    word.notify_all(place);
}

struct BriefMeans {
    template <typename T>
    using atomic = sync::atomic<T>;
    static void relax() noexcept {}
    static void light_fence() noexcept { sync::light_fence(); }
    static void heavy_fence() noexcept { sync::heavy_fence(); }
    static void full_fence() noexcept { sync::atomic_thread_fence(std::memory_order_seq_cst); }
    static constexpr int looks = 1;
};

// Nothing changes meanwhile that the scheduler does not decide.
inline void relax() noexcept {}
inline constexpr int looks = 1;

class condition_variable {
public:
    constexpr condition_variable() noexcept = default;
    condition_variable(const condition_variable &) = delete;
    condition_variable &operator=(const condition_variable &) = delete;

    template <typename Ready>
    void wait(std::unique_lock<mutex> &lock, Ready ready, const Place &place = Place::current())
    {
        while (!ready()) {
            Scheduler *scheduler = Scheduler::active();
            if (scheduler == nullptr)
                waits_alone(place);
            // Waits from before it unlocks.
            const std::uint64_t seen = notified_.load(std::memory_order_relaxed);
            lock.unlock();
            if (notified_.load(std::memory_order_relaxed) == seen)
                scheduler->wait_on(this, place);
            else
                scheduler->touch(this, false);
            lock.lock();
        }
    }
    void notify_all(const Place &place = Place::current()) noexcept
    {
        Scheduler *scheduler = begin_notify(this, place);
        if (scheduler == nullptr)
            return;
        notified_.fetch_add(1, std::memory_order_relaxed);
        scheduler->wake_all(this);
    }

private:
    std::atomic<std::uint64_t> notified_{0};
};

} // namespace pms::sync
