// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// The runtime. That it sleeps is shown by how often it polls, never by how long something takes.

#include "support/mover.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <fstream>
#include <functional>
#include <string>
#include <thread>
#include <unistd.h>
#include <vector>

namespace {

// A task that counts its polls and does what the test says.
struct ScriptData {
    std::function<future_state(int poll, future_notifier *notifier)> *script;
    std::atomic<int> *polls;
};

struct Nothing {
    char unused;
};

FUTURE(script_future, ScriptData, Nothing);

future_state script_task(future_context *context, future_notifier *notifier)
{
    auto *data = static_cast<ScriptData *>(future_context_get_data(context));
    const int poll = ++*data->polls;
    return (*data->script)(poll, notifier);
}

int is_async(void *, future_property property)
{
    return property == FUTURE_PROPERTY_ASYNC ? 1 : 0;
}

struct Script {
    Script(std::function<future_state(int, future_notifier *)> what, future_has_property_fn has_property = is_async)
        : task(std::move(what))
    {
        future.data.script = &task;
        future.data.polls = &polls;
        FUTURE_INIT_EXT(&future, script_task, has_property);
    }

    struct future *runnable() { return FUTURE_AS_RUNNABLE(&future); }

    std::function<future_state(int, future_notifier *)> task;
    std::atomic<int> polls{0};
    script_future future{};
};

// A future that is complete once set, and takes the waker in its first poll only.
struct Event {
    std::atomic<bool> set{false};
    future_waker waker{};
    std::atomic<bool> polled{false};
    Script script{[this](int poll, future_notifier *notifier) {
        if (set.load(std::memory_order_acquire)) {
            return FUTURE_STATE_COMPLETE;
        }
        if (poll == 1) {
            waker = notifier->waker;
            notifier->notifier_used = FUTURE_NOTIFIER_WAKER;
            polled.store(true, std::memory_order_release);
        }
        return FUTURE_STATE_RUNNING;
    }};

    void await_poll()
    {
        while (!polled.load(std::memory_order_acquire)) {
            sched_yield();
        }
    }

    void signal()
    {
        set.store(true, std::memory_order_release);
        FUTURE_WAKER_WAKE(&waker);
    }
};

class RuntimeTest : public testing::Test {
protected:
    void wait(Script &script) { runtime_wait(runtime_.get(), script.runnable()); }

    Runtime runtime_{runtime_new()};
};

TEST_F(RuntimeTest, PollsOnceWhatCompletesAtOnce)
{
    Script script([](int, future_notifier *notifier) {
        EXPECT_NE(notifier, nullptr);
        return FUTURE_STATE_COMPLETE;
    });

    wait(script);
    EXPECT_EQ(script.polls, 1);
    wait(script);
    EXPECT_EQ(script.polls, 1);
}

TEST_F(RuntimeTest, PollsInTheCallingThread)
{
    const auto caller = std::this_thread::get_id();
    Script script([caller](int poll, future_notifier *) {
        EXPECT_EQ(std::this_thread::get_id(), caller);
        return poll < 10 ? FUTURE_STATE_RUNNING : FUTURE_STATE_COMPLETE;
    });

    wait(script);
}

// A thread that spins is never seen asleep, whatever it does in between; then this does not return.
void await_sleep(pid_t thread)
{
    const std::string path = "/proc/self/task/" + std::to_string(thread) + "/stat";
    char state = 'R';

    while (state != 'S') {
        sched_yield();
        std::string stat;
        std::getline(std::ifstream(path), stat);
        state = stat.at(stat.rfind(')') + 2);
    }
}

TEST_F(RuntimeTest, SleepsUntilWoken)
{
    Event event;
    const pid_t waiter = gettid();
    std::thread waker([&event, waiter] {
        event.await_poll();
        let_others_run();
        await_sleep(waiter);
        EXPECT_EQ(event.script.polls, 1);
        event.signal();
    });

    wait(event.script);
    EXPECT_EQ(event.script.polls, 2);
    waker.join();
}

TEST_F(RuntimeTest, PollsAgainAfterAWakeThatCameTooEarly)
{
    Event event;
    std::thread waker([&event] {
        event.await_poll();
        FUTURE_WAKER_WAKE(&event.waker);
        while (event.script.polls < 2) {
            sched_yield();
        }
        event.signal();
    });

    wait(event.script);
    waker.join();
}

TEST_F(RuntimeTest, DoesNotLoseAWakeDuringThePoll)
{
    Script script([](int poll, future_notifier *notifier) {
        notifier->notifier_used = FUTURE_NOTIFIER_WAKER;
        FUTURE_WAKER_WAKE(&notifier->waker);
        return poll < 100 ? FUTURE_STATE_RUNNING : FUTURE_STATE_COMPLETE;
    });

    wait(script);
    EXPECT_EQ(script.polls, 100);
}

TEST_F(RuntimeTest, LosesNoWakeAtAnyMoment)
{
    constexpr int rounds = 5000;
    std::atomic<Event *> current = nullptr;
    std::thread waker([&current] {
        for (int i = 0; i < rounds; ++i) {
            Event *event = nullptr;
            while ((event = current.exchange(nullptr)) == nullptr) {
                sched_yield();
            }
            event->await_poll();
            event->signal();
        }
    });

    // The waker may still be in signal() when the wait is over, so the events live as long as it does.
    std::vector<Event> events(rounds);
    for (Event &event : events) {
        current = &event;
        wait(event.script);
        while (current != nullptr) {
            sched_yield();
        }
    }
    waker.join();
}

TEST_F(RuntimeTest, PollsOnWhatIsNotAsynchronousAndTakesNoNotifier)
{
    Script script(
        [](int poll, future_notifier *) { return poll < 10000 ? FUTURE_STATE_RUNNING : FUTURE_STATE_COMPLETE; },
        future_has_property_default);

    wait(script);
    EXPECT_EQ(script.polls, 10000);
}

TEST_F(RuntimeTest, PollsOnWhatIsAsynchronousAndTakesNoNotifier)
{
    Script script([](int poll, future_notifier *) { return poll < 40 ? FUTURE_STATE_RUNNING : FUTURE_STATE_COMPLETE; });

    wait(script);
    EXPECT_EQ(script.polls, 40);
}

TEST_F(RuntimeTest, MonitorsTheWordOfAPoller)
{
    std::uint64_t word = 0;
    std::atomic<bool> polled = false;
    Script script([&](int, future_notifier *notifier) {
        if (__atomic_load_n(&word, __ATOMIC_ACQUIRE) != 0) {
            return FUTURE_STATE_COMPLETE;
        }
        notifier->notifier_used = FUTURE_NOTIFIER_POLLER;
        notifier->poller.ptr_to_monitor = &word;
        polled.store(true, std::memory_order_release);
        return FUTURE_STATE_RUNNING;
    });
    std::thread setter([&] {
        while (!polled.load(std::memory_order_acquire)) {
            sched_yield();
        }
        let_others_run();
        EXPECT_EQ(script.polls, 1);
        __atomic_store_n(&word, 1, __ATOMIC_RELEASE);
    });

    wait(script);
    EXPECT_EQ(script.polls, 2);
    setter.join();
}

TEST_F(RuntimeTest, PollsOnWhenTheWordOfAPollerSaysNothing)
{
    std::uint64_t word = 1;
    Script set_already([&word](int poll, future_notifier *notifier) {
        notifier->notifier_used = FUTURE_NOTIFIER_POLLER;
        notifier->poller.ptr_to_monitor = &word;
        return poll < 40 ? FUTURE_STATE_RUNNING : FUTURE_STATE_COMPLETE;
    });
    Script no_word([](int poll, future_notifier *notifier) {
        notifier->notifier_used = FUTURE_NOTIFIER_POLLER;
        return poll < 40 ? FUTURE_STATE_RUNNING : FUTURE_STATE_COMPLETE;
    });

    wait(set_already);
    EXPECT_EQ(set_already.polls, 40);
    wait(no_word);
    EXPECT_EQ(no_word.polls, 40);
}

TEST_F(RuntimeTest, PollsOnlyWhoWasWoken)
{
    constexpr std::size_t count = 8;
    std::vector<Event> events(count);
    std::vector<future *> futures;
    for (Event &event : events) {
        futures.push_back(event.script.runnable());
    }
    std::thread waker([&events] {
        for (Event &event : events) {
            event.await_poll();
        }
        for (std::size_t i = 0; i < count; ++i) {
            Event &event = events[i * 5 % count];
            event.signal();
            while (event.script.polls < 2) {
                sched_yield();
            }
        }
    });

    runtime_wait_multiple(runtime_.get(), futures.data(), futures.size());
    for (Event &event : events) {
        EXPECT_EQ(FUTURE_STATE(&event.script.future), FUTURE_STATE_COMPLETE);
        EXPECT_EQ(event.script.polls, 2);
    }
    waker.join();
}

TEST_F(RuntimeTest, WaitsForAMixtureOfFutures)
{
    Event event;
    std::uint64_t word = 0;
    Script yielding(
        [](int poll, future_notifier *) { return poll < 50 ? FUTURE_STATE_RUNNING : FUTURE_STATE_COMPLETE; },
        future_has_property_default);
    Script paused([](int poll, future_notifier *) { return poll < 30 ? FUTURE_STATE_RUNNING : FUTURE_STATE_COMPLETE; });
    Script monitored([&](int poll, future_notifier *notifier) {
        if (poll == 1) {
            notifier->notifier_used = FUTURE_NOTIFIER_POLLER;
            notifier->poller.ptr_to_monitor = &word;
            return FUTURE_STATE_RUNNING;
        }
        return FUTURE_STATE_COMPLETE;
    });
    // Complete only after the others: they must be polled although this one comes first.
    Script after_all(
        [&](int, future_notifier *) {
            return yielding.polls == 50 && paused.polls == 30 && monitored.polls == 2 ? FUTURE_STATE_COMPLETE
                                                                                      : FUTURE_STATE_RUNNING;
        },
        future_has_property_default);
    future *futures[] = {after_all.runnable(), event.script.runnable(), yielding.runnable(), nullptr,
                         paused.runnable(),    monitored.runnable()};
    std::thread helper([&] {
        event.await_poll();
        __atomic_store_n(&word, 1, __ATOMIC_RELEASE);
        event.signal();
    });

    runtime_wait_multiple(runtime_.get(), futures, 6);
    EXPECT_EQ(event.script.polls, 2);
    EXPECT_EQ(monitored.polls, 2);
    helper.join();
}

TEST_F(RuntimeTest, ReturnsAtOnceForNothing)
{
    runtime_wait_multiple(runtime_.get(), nullptr, 0);
}

// Each poll replaces the waker of the one before, so only one of the two places in the list is ever woken.
TEST_F(RuntimeTest, WaitsForAFutureThatIsListedTwice)
{
    std::atomic<bool> done = false;
    std::atomic<bool> polled = false;
    future_waker waker{};
    Script script([&](int poll, future_notifier *notifier) {
        if (done) {
            return FUTURE_STATE_COMPLETE;
        }
        waker = notifier->waker;
        notifier->notifier_used = FUTURE_NOTIFIER_WAKER;
        polled = poll == 2;
        return FUTURE_STATE_RUNNING;
    });
    future *futures[] = {script.runnable(), script.runnable()};
    std::thread helper([&] {
        while (!polled) {
            sched_yield();
        }
        done = true;
        FUTURE_WAKER_WAKE(&waker);
    });

    runtime_wait_multiple(runtime_.get(), futures, 2);
    helper.join();
}

TEST_F(RuntimeTest, AcceptsWakesAfterItsEnd)
{
    future_waker waker{};
    Script script([&waker](int, future_notifier *notifier) {
        waker = notifier->waker;
        return FUTURE_STATE_COMPLETE;
    });

    wait(script);
    runtime_.reset();
    FUTURE_WAKER_WAKE(&waker);

    // Nor does a wake that came for somebody else end a later wait.
    runtime_.reset(runtime_new());
    Event event;
    std::thread helper([&] {
        event.await_poll();
        FUTURE_WAKER_WAKE(&waker);
        let_others_run();
        event.signal();
    });
    wait(event.script);
    EXPECT_EQ(FUTURE_STATE(&event.script.future), FUTURE_STATE_COMPLETE);
    helper.join();
}

TEST_F(RuntimeTest, MayBeUsedByATask)
{
    Script inner([](int poll, future_notifier *) { return poll < 3 ? FUTURE_STATE_RUNNING : FUTURE_STATE_COMPLETE; });
    Script outer([&](int, future_notifier *) {
        wait(inner);
        return FUTURE_STATE_COMPLETE;
    });

    wait(outer);
    EXPECT_EQ(inner.polls, 3);
}

TEST_F(RuntimeTest, DeleteTakesNull)
{
    runtime_delete(nullptr);
}

std::atomic<int> vdm_polls;

future_state counting_vdm_task(future_context *context, future_notifier *notifier)
{
    ++vdm_polls;
    return vdm_operation_task(context, notifier);
}

TEST_F(RuntimeTest, SleepsWhileAWorkerCopies)
{
    for (future_notifier_type type : {FUTURE_NOTIFIER_WAKER, FUTURE_NOTIFIER_POLLER}) {
        GatedMover mover(1, 4, type);
        char source = 1;
        char target = 0;
        vdm_operation_future future = vdm_memcpy(mover.vdm(), &target, &source, 1, 0);
        future.base.task = counting_vdm_task;
        vdm_polls = 0;

        std::thread opener([&mover] {
            mover.gate.await_arrivals(1);
            let_others_run();
            EXPECT_LE(vdm_polls, 1);
            mover.gate.open();
        });
        runtime_wait(runtime_.get(), FUTURE_AS_RUNNABLE(&future));
        EXPECT_EQ(target, 1);
        opener.join();
    }
}

TEST_F(RuntimeTest, WaitsForAnOperationThatWasStartedWithoutANotifier)
{
    GatedMover mover(1, 4, FUTURE_NOTIFIER_WAKER);
    char source = 1;
    char target = 0;
    vdm_operation_future future = vdm_memcpy(mover.vdm(), &target, &source, 1, 0);

    future_poll(FUTURE_AS_RUNNABLE(&future), nullptr);
    std::thread opener([&mover] { mover.gate.open(); });
    runtime_wait(runtime_.get(), FUTURE_AS_RUNNABLE(&future));
    EXPECT_EQ(target, 1);
    opener.join();
}

struct TwoStepsData {
    FUTURE_CHAIN_ENTRY(vdm_operation_future, copy);
    FUTURE_CHAIN_ENTRY_LAST(script_future, script);
};

FUTURE(two_steps_future, TwoStepsData, Nothing);

TEST_F(RuntimeTest, WaitsForAChainWhoseNextEntryDoesNotWake)
{
    ThreadsMover mover = new_threads_mover(1, 4, FUTURE_NOTIFIER_WAKER);
    char target = 0;

    for (future_has_property_fn has_property : {is_async, future_has_property_default}) {
        Script script(
            [](int poll, future_notifier *) { return poll < 30 ? FUTURE_STATE_RUNNING : FUTURE_STATE_COMPLETE; },
            has_property);
        two_steps_future chain{};
        FUTURE_CHAIN_ENTRY_INIT(&chain.data.copy, vdm_memset(data_mover_threads_get_vdm(mover.get()), &target, 1, 1, 0),
                                nullptr, nullptr);
        FUTURE_CHAIN_ENTRY_INIT(&chain.data.script, script.future, nullptr, nullptr);
        FUTURE_CHAIN_INIT(&chain);

        runtime_wait(runtime_.get(), FUTURE_AS_RUNNABLE(&chain));
        EXPECT_EQ(script.polls, 30);
    }
}

} // namespace
