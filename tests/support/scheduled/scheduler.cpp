// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

#include "sync/scheduler.hpp"

#include "sync/untracked.hpp"

#include <algorithm>
#include <bit>
#include <cstdio>
#include <cstdlib>

namespace pms::scheduled {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr std::size_t stack_size = 1024 * 1024;
#else
constexpr std::size_t stack_size = 256 * 1024;
#endif

constexpr std::size_t history_slots = 1 << 14;

// The finalizer of splitmix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014).
std::uint64_t mix(std::uint64_t hash, std::uint64_t value)
{
    hash = (hash ^ value) + 0x9e3779b97f4a7c15;
    hash = (hash ^ hash >> 30) * 0xbf58476d1ce4e5b9;
    hash = (hash ^ hash >> 27) * 0x94d049bb133111eb;
    return hash ^ hash >> 31;
}

const char *name_of(Operation::Kind kind)
{
    static constexpr const char *names[] = {"begin",       "load",   "store", "update", "fence", "lock",
                                            "lock_shared", "unlock", "wait",  "notify", "sleep", "medium"};
    return names[static_cast<int>(kind)];
}

} // namespace

Action Situation::usual() const
{
    return {Action::Kind::run, may_go_on() ? current : static_cast<unsigned>(std::countr_zero(runnable))};
}

Scheduler::Scheduler() : histories_(history_slots) {}

Scheduler::~Scheduler() = default;

Scheduler::Outcome Scheduler::run(const std::vector<std::function<void()>> &threads, Strategy &strategy)
{
    if (threads.size() > max_threads)
        std::abort();
    count_ = static_cast<unsigned>(threads.size());
    current_ = 0;
    decisions_ = 0;
    ++run_;
    for (unsigned i = 0; i < count_; ++i) {
        Thread &thread = threads_[i];
        if (thread.fiber == nullptr)
            thread.fiber = std::make_unique<Fiber>(stack_size);
        auto fiber = std::move(thread.fiber);
        thread = {};
        thread.fiber = std::move(fiber);
        thread.function = &threads[i];
        thread.history = mix(i, 0);
        thread.fiber->start(&Scheduler::enter, this);
    }
    start(&strategy);
    return outcome_;
}

void Scheduler::start(Strategy *strategy)
{
    const Untracked untracked;
    strategy_ = strategy;
    steps_ = 0;
    active_.store(this, std::memory_order_relaxed);
    go_on(From::main);
    active_.store(nullptr, std::memory_order_relaxed);
    over(this);
}

bool Scheduler::all(bool (*holds)(const Thread &thread)) const
{
    return std::all_of(threads_.begin(), threads_.begin() + count_, holds);
}

bool Scheduler::run_out()
{
    for (Thread &thread : threads_)
        thread.stopped = false;
    start(nullptr);
    return all([](const Thread &thread) { return thread.ended; });
}

void Scheduler::enter(void *argument)
{
    auto *self = static_cast<Scheduler *>(argument);
    Thread &thread = self->threads_[self->current_];
    (*thread.function)();
    self->drain();
    done(self);
    thread.ended = true;
    self->go_on(From::thread);
}

std::string Scheduler::describe(unsigned number) const
{
    const Thread &thread = threads_[number];
    std::string text = "thread " + std::to_string(number);
    if (thread.ended)
        return text + " has ended";
    std::string file = thread.operation.place.file_name();
    file.erase(0, file.rfind('/') + 1);
    text += thread.stopped ? " was stopped before " : " is before ";
    return text + name_of(thread.operation.kind) + " at " + file + ":" + std::to_string(thread.operation.place.line());
}

bool Scheduler::possible(const Thread &thread) const
{
    if (thread.ended || thread.stopped)
        return false;
    const Operation &operation = thread.operation;
    if (operation.kind == Operation::Kind::wait)
        return thread.woken;
    return operation.possible == nullptr || operation.possible(operation.argument);
}

Situation Scheduler::look()
{
    Situation situation;
    situation.current = current_;
    situation.unlocks = threads_[current_].operation.kind == Operation::Kind::unlock;
    situation.decision = decisions_;
    std::uint32_t sleeping = 0;
    std::uint64_t signature = 0;
    for (unsigned i = 0; i < count_; ++i) {
        const Thread &thread = threads_[i];
        signature = mix(signature, mix(thread.history, thread.written) + (thread.stopped ? 1 : 0));
        const std::uint32_t bit = 1U << i;
        if (!thread.ended && !thread.stopped)
            situation.alive |= bit;
        if (!possible(thread))
            continue;
        if (thread.operation.kind == Operation::Kind::sleep && thread.slept_at == steps_)
            sleeping |= bit;
        else
            situation.runnable |= bit;
        if (thread.operation.may_be_kept && thread.kept.empty())
            situation.can_keep |= bit;
    }
    if (situation.runnable == 0)
        situation.runnable = sleeping;
    for (unsigned i = 0; i < count_; ++i)
        for (unsigned other = 0; other < count_ && !threads_[i].kept.empty(); ++other)
            if (other != i && (situation.runnable >> other & 1) != 0 &&
                threads_[i].kept.front().object == threads_[other].operation.object)
                situation.worth_write |= 1U << i;
    situation.signature = mix(signature, situation.runnable);
    return situation;
}

void Scheduler::go_on(From from)
{
    const unsigned before = current_;
    Fiber &self = from == From::main ? main_ : *threads_[before].fiber;
    const bool ends = from == From::thread && threads_[before].ended;
    for (;;) {
        const Situation situation = look();
        if (situation.runnable == 0) {
            // What was kept back is written some day.
            const auto keeper = std::find_if(threads_.begin(), threads_.begin() + count_,
                                             [](const Thread &thread) { return !thread.kept.empty(); });
            if (keeper != threads_.begin() + count_) {
                write_oldest(*keeper);
                continue;
            }
            const bool finished = all([](const Thread &thread) { return thread.ended || thread.stopped; });
            outcome_ = finished ? Outcome::finished : Outcome::stuck;
            break;
        }
        if (steps_ >= max_steps) {
            outcome_ = Outcome::endless;
            break;
        }
        ++decisions_;
        const Action action = strategy_ == nullptr ? situation.usual() : strategy_->choose(situation);
        Thread &thread = threads_[action.thread];
        if (action.kind == Action::Kind::write) {
            write_oldest(thread);
            continue;
        }
        if (action.kind == Action::Kind::stop) {
            thread.stopped = true;
            continue;
        }
        ++steps_;
        thread.history = mix(thread.history, 4);
        thread.keep_back = action.kind == Action::Kind::keep_back;
        current_ = action.thread;
        if (&self != thread.fiber.get())
            self.switch_to(*thread.fiber, ends);
        return;
    }
    if (from == From::thread)
        self.switch_to(main_, ends);
}

void Scheduler::step(const Operation &operation)
{
    const Untracked untracked;
    done(this);
    Thread &thread = threads_[current_];
    thread.operation = operation;
    thread.slept_at = steps_;
    go_on(From::thread);
}

Scheduler::History &Scheduler::history_of(const void *object)
{
    const auto key = reinterpret_cast<std::uintptr_t>(object);
    for (std::size_t place = mix(key, 0) % history_slots;; place = (place + 1) % history_slots) {
        History &history = histories_[place];
        if (history.run == run_ && history.object == object)
            return history;
        if (history.run != run_) {
            history = {object, run_, 0, 0};
            return history;
        }
    }
}

void Scheduler::record(std::uint64_t &history, const void *object, bool changes)
{
    // Which object it is follows from the thread's history.
    History &of = history_of(object);
    history = mix(history, of.change);
    if (changes) {
        history = mix(history, of.looks);
        of.change = history;
        of.looks = 0;
    } else {
        of.looks += mix(history, 1);
    }
}

void Scheduler::touch(const void *object, bool changes)
{
    const Untracked untracked;
    Thread &thread = threads_[current_];
    if (object == nullptr)
        thread.history = mix(thread.history, 2);
    else
        record(thread.history, object, changes);
}

bool Scheduler::keeps_back()
{
    const Untracked untracked;
    Thread &thread = threads_[current_];
    return thread.keep_back || !thread.kept.empty();
}

void Scheduler::keep(void *object, std::uint64_t value, void (*write)(void *object, std::uint64_t value))
{
    const Untracked untracked;
    Thread &thread = threads_[current_];
    thread.history = mix(thread.history, 3);
    thread.kept.push_back({object, value, write, thread.history});
}

const std::uint64_t *Scheduler::kept(const void *object) const
{
    const Untracked untracked;
    const Thread &thread = threads_[current_];
    for (auto kept = thread.kept.rbegin(); kept != thread.kept.rend(); ++kept)
        if (kept->object == object)
            return &kept->value;
    return nullptr;
}

void Scheduler::write_oldest(Thread &thread)
{
    Kept kept = thread.kept.front();
    thread.kept.erase(thread.kept.begin());
    record(kept.history, kept.object, true);
    thread.written = mix(thread.written, kept.history);
    kept.write(kept.object, kept.value);
}

void Scheduler::drain()
{
    const Untracked untracked;
    Thread &thread = threads_[current_];
    while (!thread.kept.empty())
        write_oldest(thread);
}

void Scheduler::drain_all()
{
    const Untracked untracked;
    for (unsigned i = 0; i < count_; ++i)
        while (!threads_[i].kept.empty())
            write_oldest(threads_[i]);
}

void Scheduler::wait_on(const void *object, const std::source_location &place)
{
    const Untracked untracked;
    threads_[current_].woken = false;
    step({.kind = Operation::Kind::wait, .object = object, .place = place});
    touch(object, true);
}

void Scheduler::wake_all(const void *object)
{
    const Untracked untracked;
    for (unsigned i = 0; i < count_; ++i)
        if (threads_[i].operation.kind == Operation::Kind::wait && threads_[i].operation.object == object)
            threads_[i].woken = true;
}

void Scheduler::wake_one(const void *object)
{
    const Untracked untracked;
    Thread *longest = nullptr;
    for (unsigned i = 0; i < count_; ++i) {
        Thread &thread = threads_[i];
        if (thread.operation.kind == Operation::Kind::wait && thread.operation.object == object && !thread.woken &&
            (longest == nullptr || thread.slept_at < longest->slept_at))
            longest = &thread;
    }
    if (longest != nullptr)
        longest->woken = true;
}

} // namespace pms::scheduled
