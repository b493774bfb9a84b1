// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// Runs threads one at a time, and asks a strategy before each operation that other threads can notice which one goes
// on: so each interleaving can be run, and run again. The operations are those of "sync/sync.hpp", and whatever
// announces itself by step().
//
// Interleavings are sequentially consistent, but for what a processor of the x86 family does: a store may be kept back
// in its thread's buffer, unseen by others, until that thread does something that drains it (a locked instruction, a
// full fence, a lock) or the strategy has it written.
#pragma once

#include "sync/fiber.hpp"

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <source_location>
#include <string>
#include <vector>

namespace pms::scheduled {

inline constexpr unsigned max_threads = 8;

// What a thread is about to do.
struct Operation {
    enum class Kind : std::uint8_t {
        begin,
        load,
        store,
        update, // a locked instruction
        fence,
        lock,
        lock_shared,
        unlock,
        wait, // until notified
        notify,
        sleep, // for a time: others go on first, if they can
        medium,
    };
    Kind kind = Kind::begin;
    const void *object = nullptr;
    // nullptr: at any time.
    bool (*possible)(const void *argument) = nullptr;
    const void *argument = nullptr;
    bool may_be_kept = false; // a store that the processor may keep back
    std::source_location place = std::source_location::current();
};

// What the strategy decides.
struct Action {
    enum class Kind : std::uint8_t {
        run,       // the thread does its operation, and goes on to its next
        keep_back, // the same, and its store stays in its buffer
        write,     // the oldest store in the thread's buffer becomes visible; then another decision
        stop,      // the thread is not run any more; then another decision
    };
    Kind kind = Kind::run;
    unsigned thread = 0;
    bool operator==(const Action &) const = default;
};

struct Situation {
    unsigned current = 0; // the thread that ran last
    // The current one is about to give back a lock: who comes in between might as well come after.
    bool unlocks = false;
    std::uint32_t alive = 0;       // those that have not ended and were not stopped, as bits
    std::uint32_t runnable = 0;    // of those, which can do their operation
    std::uint32_t can_keep = 0;    // of those, whose operation is a store that may be kept back
    std::uint32_t worth_write = 0; // threads that keep back a store to what another is about to use
    std::uint64_t decision = 0;    // a number
    // Of all that happened, and in which order as far as that matters: two runs with the same are in the same state.
    std::uint64_t signature = 0;

    bool may_go_on() const { return (runnable >> current & 1) != 0; }
    // What is done where nothing is decided: the thread goes on, or the first one that can.
    Action usual() const;
};

class Strategy {
public:
    virtual ~Strategy() = default;
    virtual Action choose(const Situation &situation) = 0;
};

class Scheduler {
public:
    static constexpr std::uint64_t max_steps = 2000;

    enum class Outcome : std::uint8_t {
        finished, // all threads but those that were stopped
        stuck,    // some that were not stopped cannot go on
        endless,  // they go on for more than max_steps
    };

    Scheduler();
    ~Scheduler();
    Scheduler(const Scheduler &) = delete;
    Scheduler &operator=(const Scheduler &) = delete;

    Outcome run(const std::vector<std::function<void()>> &threads, Strategy &strategy);
    // After a run that finished or was stuck: lets those that were stopped go on, until all have ended. False if they
    // cannot.
    bool run_out();

    unsigned threads() const { return count_; }
    bool ended(unsigned thread) const { return threads_[thread].ended; }
    bool stopped(unsigned thread) const { return threads_[thread].stopped; }
    const Operation &operation(unsigned thread) const { return threads_[thread].operation; }
    std::uint64_t steps() const { return steps_; }
    // "thread 1 before lock at commit.cpp:101", for people.
    std::string describe(unsigned thread) const;

    // ---- For the operations themselves.
    // The scheduler whose thread is running; nullptr: the caller is none of its threads.
    static Scheduler *active() { return active_.load(std::memory_order_relaxed); }
    unsigned current() const { return current_; }
    // Returns when the thread is to do it.
    void step(const Operation &operation);
    // It looks at the object, or changes it: for the signature.
    void touch(const void *object, bool changes);
    // Whether the store that step() returned for is to be kept back. Then keep() is called with it.
    bool keeps_back();
    void keep(void *object, std::uint64_t value, void (*write)(void *object, std::uint64_t value));
    // What the thread itself stored there last, if that is still kept back.
    const std::uint64_t *kept(const void *object) const;
    // All that the thread has kept back becomes visible.
    void drain();
    // All that any thread has.
    void drain_all();
    // Sleeps until woken: step() for the wait itself.
    void wait_on(const void *object, const std::source_location &place);
    void wake_all(const void *object);
    // The one that has slept longest.
    void wake_one(const void *object);

private:
    struct Kept {
        void *object;
        std::uint64_t value;
        void (*write)(void *object, std::uint64_t value);
        std::uint64_t history;
    };
    struct Thread {
        std::unique_ptr<Fiber> fiber;
        const std::function<void()> *function = nullptr;
        Operation operation;
        bool ended = false;
        bool stopped = false;
        bool keep_back = false;
        bool woken = false;
        std::uint64_t slept_at = 0;
        std::vector<Kept> kept; // oldest first
        std::uint64_t history = 0;
        std::uint64_t written = 0; // the history of what left its buffer
    };
    // What happened to an object last.
    struct History {
        const void *object;
        std::uint64_t run;
        std::uint64_t change;
        std::uint64_t looks;
    };

    static void enter(void *self);
    bool possible(const Thread &thread) const;
    Situation look();
    void write_oldest(Thread &thread);
    enum class From : std::uint8_t { main, thread };
    void go_on(From from);
    void start(Strategy *strategy);
    bool all(bool (*holds)(const Thread &thread)) const;
    History &history_of(const void *object);
    void record(std::uint64_t &history, const void *object, bool changes);

    static inline std::atomic<Scheduler *> active_{nullptr};

    Fiber main_;
    std::array<Thread, max_threads> threads_;
    unsigned count_ = 0;
    unsigned current_ = 0;
    Strategy *strategy_ = nullptr;
    Outcome outcome_ = Outcome::finished;
    std::uint64_t steps_ = 0;
    std::uint64_t decisions_ = 0;
    std::uint64_t run_ = 0;
    std::vector<History> histories_;
};

} // namespace pms::scheduled
