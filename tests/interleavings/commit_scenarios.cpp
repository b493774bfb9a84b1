// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// The commit protocol alone: timestamps, slots, watermarks and waits.

#include "interleavings/commit_scenarios.hpp"

#include "commit/commit.hpp"
#include "commit/group_commit.hpp"

#include <array>
#include <chrono>
#include <utility>

namespace interleavings {
namespace {

using pms::Commit;
using pms::scheduled::Scheduler;

class CommitScene : public Scene {
public:
    explicit CommitScene(std::uint64_t slots) : slots_(slots), commit_(slots, 0) {}

    void finished() override
    {
        // While nobody depends on them, a watermark may lag behind the marks.
        commit_.advance();
        const std::uint64_t all = taken_.size();
        expect(commit_.handed_out() == all, "timestamps are not dense");
        expect(commit_.committed() == all, "the committed watermark was left behind");
        if (all_durable_)
            expect(commit_.persisted() == all, "the persisted watermark was left behind");
    }

    // Timestamps are handed out to who is inside: a thread that is stopped there holds up who waits for it, and nobody
    // else. Whatever was raised before stays so.
    void stopped(const Scheduler &) override
    {
        expect(commit_.persisted() <= commit_.committed(), "persisted, but not committed");
        for (std::uint64_t timestamp = 1; timestamp <= commit_.committed(); ++timestamp)
            expect(marked_.contains(timestamp), "committed over an entry that is not marked");
    }

protected:
    // As an append does: helps and sleeps when the slots are taken.
    std::uint64_t take()
    {
        const auto wait_for_slot = [this](std::uint64_t timestamp) {
            while (!commit_.has_slot(timestamp))
                sleep_until_reached(pms::Stage::committed, timestamp - slots_);
        };
        wait_for_slot(commit_.handed_out() + 1);
        const std::uint64_t timestamp = commit_.take();
        expect(taken_.insert(timestamp).second, "a timestamp was handed out twice");
        wait_for_slot(timestamp);
        return timestamp;
    }

    void mark(std::uint64_t timestamp, bool durable)
    {
        all_durable_ = all_durable_ && durable;
        // From here on it may be seen.
        marked_.insert(timestamp);
        if (!commit_.pass(timestamp, durable))
            commit_.mark(timestamp, durable);
    }

    // As a stream waits, which makes durable, and then knows so, what is committed.
    void sleep_until_reached(pms::Stage stage, std::uint64_t timestamp)
    {
        while (commit_.reached(stage) < timestamp) {
            commit_.advance();
            if (stage == pms::Stage::persisted && commit_.committed() >= timestamp) {
                commit_.raise_persisted(commit_.committed());
                continue;
            }
            commit_.sleep_until(timestamp, [&] {
                commit_.advance();
                return commit_.committed() >= timestamp;
            });
        }
        expect(commit_.reached(stage) >= timestamp, "a wait returned too early");
    }

    void append()
    {
        const std::uint64_t timestamp = take();
        mark(timestamp, true);
        sleep_until_reached(pms::Stage::persisted, timestamp);
    }

    // One thread's view of the watermarks.
    class Observer {
    public:
        explicit Observer(CommitScene &scene) : scene_(scene) {}
        void look()
        {
            const std::uint64_t persisted = scene_.commit_.persisted();
            const std::uint64_t committed = scene_.commit_.committed();
            scene_.expect(committed >= persisted, "persisted, but not committed");
            scene_.expect(persisted >= persisted_ && committed >= committed_, "a watermark fell");
            for (std::uint64_t timestamp = committed_ + 1; timestamp <= committed; ++timestamp)
                scene_.expect(scene_.marked_.contains(timestamp), "committed over an entry that is not marked");
            persisted_ = persisted;
            committed_ = committed;
        }

    private:
        CommitScene &scene_;
        std::uint64_t persisted_ = 0;
        std::uint64_t committed_ = 0;
    };

    std::uint64_t slots_;
    Commit commit_;
    std::set<std::uint64_t> taken_;
    std::set<std::uint64_t> marked_;
    bool all_durable_ = true;
};

// Threads append and wait, each twice; one more looks on.
class Marking final : public CommitScene {
public:
    Marking(std::uint64_t slots, unsigned threads, unsigned each) : CommitScene(slots), threads_(threads), each_(each)
    {}
    Threads threads() override
    {
        Threads all(threads_, [this] {
            Observer observer(*this);
            for (unsigned i = 0; i < each_; ++i) {
                append();
                observer.look();
            }
        });
        return all;
    }

private:
    unsigned threads_;
    unsigned each_;
};

// What a thread that only marks leaves behind, nobody else marks after: the one who waits must be woken by it.
class Marks final : public CommitScene {
public:
    explicit Marks(unsigned threads) : CommitScene(4), threads_(threads) {}
    Threads threads() override
    {
        Threads all(threads_, [this] { mark(take(), true); });
        all.back() = [this] {
            mark(take(), true);
            sleep_until_reached(pms::Stage::persisted, 1);
        };
        return all;
    }

private:
    unsigned threads_;
};

// Somebody sleeps while two mark, one of them twice.
class Sleeps final : public CommitScene {
public:
    Sleeps() : CommitScene(4) {}
    Threads threads() override
    {
        return {[this] { sleep_until_reached(pms::Stage::persisted, 3); }, [this] { mark(take(), true); },
                [this] {
                    mark(take(), true);
                    mark(take(), true);
                }};
    }
};

// Entries that are committed only, and who makes them durable.
class Persists final : public CommitScene {
public:
    Persists() : CommitScene(4) {}
    Threads threads() override
    {
        return {[this] {
                    mark(take(), false);
                    persist();
                },
                [this] {
                    mark(take(), false);
                    const std::uint64_t timestamp = take();
                    mark(timestamp, true);
                    persist();
                },
                [this] {
                    Observer observer(*this);
                    observer.look();
                    sleep_until_reached(pms::Stage::persisted, 3);
                    observer.look();
                }};
    }
    void finished() override
    {
        all_durable_ = true; // two of them called persist() after the last mark
        CommitScene::finished();
    }

private:
    void persist()
    {
        const std::uint64_t target = commit_.committed();
        commit_.raise_persisted(target);
        expect(commit_.persisted() >= target, "raising did not raise");
        sleep_until_reached(pms::Stage::persisted, target);
    }
};

// Futures that are watched, by waker and by word, for timestamps handed out later, and one that is dropped.
class Watches final : public CommitScene {
public:
    explicit Watches(bool by_word) : CommitScene(4), by_word_(by_word) {}
    Threads threads() override
    {
        return {[this] {
                    mark(take(), true);
                    commit_.wake_futures();
                    mark(take(), true);
                    commit_.wake_futures();
                },
                [this] { wait(2); },
                [this] {
                    // Dropped half polled: its waker must not be called any more, nor be in a call.
                    const future_waker waker{this, [](void *data) {
                                                 auto *self = static_cast<Watches *>(data);
                                                 self->expect(!self->dropped_, "a waker is called after unwatch()");
                                                 pms::sync::sleep_for(1);
                                                 self->expect(!self->dropped_, "unwatch() leaves a waker in a call");
                                             }};
                    commit_.watch(&dropped_, 1, waker);
                    commit_.wake_futures();
                    commit_.unwatch(&dropped_);
                    dropped_ = true;
                }};
    }

private:
    void wait(std::uint64_t timestamp)
    {
        while (commit_.committed() < timestamp) {
            std::uint64_t *word = nullptr;
            pms::sync::atomic<std::uint32_t> woken{0};
            if (by_word_)
                word = commit_.watch_by_word(&woken, timestamp);
            else
                commit_.watch(&woken, timestamp, {&woken, [](void *data) {
                                                      auto *flag =
                                                          static_cast<pms::sync::atomic<std::uint32_t> *>(data);
                                                      flag->store(1);
                                                      flag->notify_all();
                                                  }});
            if (commit_.committed() < timestamp) {
                if (by_word_)
                    while (reinterpret_cast<pms::sync::atomic<std::uint64_t> *>(word)->load() == 0)
                        pms::sync::sleep_for(1);
                else
                    woken.wait(0);
            }
            commit_.unwatch(&woken);
        }
    }

    bool by_word_;
    bool dropped_ = false;
};

// Several sleepers for several timestamps, and a stream that fails meanwhile.
class Notifies final : public CommitScene {
public:
    Notifies() : CommitScene(4) {}
    Threads threads() override
    {
        return {[this] {
                    failed_.store(true, std::memory_order_seq_cst);
                    commit_.notify_all();
                },
                [this] {
                    while (!failed_.load(std::memory_order_acquire))
                        commit_.sleep_until(Commit::no_timestamp,
                                            [this] { return failed_.load(std::memory_order_acquire); });
                },
                [this] { append(); }};
    }

private:
    pms::sync::atomic<bool> failed_{false};
};

// Rounds of a group commit alone: each thread writes and takes part, again and again.
class Rounds final : public Scene {
public:
    Rounds(unsigned threads, unsigned each, std::chrono::microseconds delay)
        : threads_(threads), each_(each), rounds_(delay)
    {}
    Threads threads() override
    {
        return Threads(threads_, [this] {
            for (unsigned i = 0; i < each_; ++i) {
                const unsigned mine = written_.fetch_add(1) + 1;
                rounds_.take_part([&] { return synced_.load() >= mine; }, [&] { sync(); });
                expect(synced_.load() >= mine, "a round was over before its sync");
            }
        });
    }
    void finished() override
    {
        expect(synced_.load() == threads_ * each_, "something was not synced");
        expect(syncs_ <= threads_ * each_, "more syncs than who came");
    }
    // Whoever is stopped while he syncs, or inside the mutex, holds up the others: so does a medium.
    void stopped(const Scheduler &scheduler) override
    {
        unsigned dead = 0;
        while (!scheduler.stopped(dead))
            ++dead;
        using Kind = pms::scheduled::Operation::Kind;
        const Kind kind = scheduler.operation(dead).kind;
        // Waiting for others, also for the time that they are given.
        if (kind != Kind::wait && kind != Kind::sleep && kind != Kind::begin)
            return;
        for (unsigned thread = 0; thread < scheduler.threads(); ++thread)
            expect(thread == dead || scheduler.ended(thread), "a thread that only waits holds up another");
    }

private:
    void sync()
    {
        expect(!syncing_.exchange(true), "two sync at once");
        const unsigned target = written_.load();
        ++syncs_;
        synced_.store(target);
        syncing_.store(false);
    }

    unsigned threads_;
    unsigned each_;
    pms::GroupCommit rounds_;
    pms::sync::atomic<unsigned> written_{0};
    pms::sync::atomic<unsigned> synced_{0};
    pms::sync::atomic<bool> syncing_{false};
    unsigned syncs_ = 0;
};

// The mutex that takes one step in other scenarios.
class Excludes final : public Scene {
public:
    Excludes(unsigned threads, unsigned each) : threads_(threads), each_(each) {}
    Threads threads() override
    {
        return Threads(threads_, [this] {
            for (unsigned i = 0; i < each_; ++i) {
                const std::lock_guard guard(mutex_);
                const unsigned before = entered_.load(std::memory_order_relaxed);
                entered_.store(before + 1, std::memory_order_relaxed);
            }
        });
    }
    void finished() override
    {
        expect(entered_.load(std::memory_order_relaxed) == threads_ * each_, "two were inside at once");
    }
    void stopped(const Scheduler &) override {}

private:
    unsigned threads_;
    unsigned each_;
    pms::sync::BasicBriefMutex<pms::sync::BriefMeans> mutex_;
    pms::sync::atomic<unsigned> entered_{0};
};

template <typename Made, typename... Arguments>
std::function<std::unique_ptr<Setting>(pms::Granularity)> setting_of(Arguments... arguments)
{
    class Own final : public Setting {
    public:
        explicit Own(std::function<std::unique_ptr<Scene>()> make) : make_(std::move(make)) {}
        std::unique_ptr<Scene> scene() override { return make_(); }

    private:
        std::function<std::unique_ptr<Scene>()> make_;
    };
    return
        [=](pms::Granularity) { return std::make_unique<Own>([=] { return std::make_unique<Made>(arguments...); }); };
}

} // namespace

std::vector<Scenario> commit_scenarios()
{
    std::vector<Scenario> all = {
        {"commit-2",
         "two threads append twice, with slots for all",
         {pms::Granularity::page},
         setting_of<Marking>(8, 2U, 2U),
         {{4, 1, 0}, {2, 0, 1}},
         {{2, 1, 0}, {1, 0, 1}}},
        {"commit-2-full",
         "two threads append three times, with two slots",
         {pms::Granularity::page},
         setting_of<Marking>(2, 2U, 3U),
         {{3, 1, 0}, {2, 0, 1}},
         {{2, 0, 0}, {1, 0, 1}}},
        {"commit-3",
         "three threads append",
         {pms::Granularity::page},
         setting_of<Marking>(4, 3U, 1U),
         {{3, 1, 0}, {2, 0, 1}},
         {{2, 0, 0}, {1, 0, 1}}},
        {"commit-3-one-slot",
         "three threads append, with one slot",
         {pms::Granularity::page},
         setting_of<Marking>(1, 3U, 1U),
         {{3, 0, 0}, {2, 0, 1}},
         {{2, 0, 0}, {1, 0, 1}}},
        {"rounds-2",
         "two threads take part in a group commit three times",
         {pms::Granularity::page},
         setting_of<Rounds>(2U, 3U, std::chrono::microseconds(0)),
         {{3, 1, 0}, {2, 0, 1}},
         {{2, 0, 0}, {1, 0, 1}}},
        {"rounds-3",
         "three do twice",
         {pms::Granularity::page},
         setting_of<Rounds>(3U, 2U, std::chrono::microseconds(0)),
         {{2, 1, 0}, {1, 0, 1}},
         {{2, 0, 0}, {1, 0, 1}}},
        {"rounds-delay",
         "two do twice, and each round waits for more",
         {pms::Granularity::page},
         setting_of<Rounds>(2U, 2U, std::chrono::microseconds(100)),
         {{3, 1, 0}, {2, 0, 1}},
         {{2, 0, 0}, {1, 0, 1}}},
        {"mutex-2",
         "two threads enter a brief mutex twice",
         {pms::Granularity::page},
         setting_of<Excludes>(2U, 2U),
         {{5, 2, 0}},
         {{3, 1, 0}}},
        {"mutex-3",
         "three threads enter a brief mutex",
         {pms::Granularity::page},
         setting_of<Excludes>(3U, 1U),
         {{4, 2, 0}},
         {{3, 1, 0}}},
        {"marks-2",
         "two threads mark, one of them waits",
         {pms::Granularity::page},
         setting_of<Marks>(2U),
         {{5, 2, 0}, {3, 1, 1}},
         {{3, 1, 0}, {1, 0, 1}}},
        {"marks-3",
         "three threads mark, one of them waits",
         {pms::Granularity::page},
         setting_of<Marks>(3U),
         {{3, 1, 0}, {2, 0, 1}},
         {{2, 1, 0}, {1, 0, 1}}},
        {"sleeps",
         "a sleeper beside two threads that mark",
         {pms::Granularity::page},
         setting_of<Sleeps>(),
         {{3, 1, 0}, {2, 0, 1}},
         {{2, 0, 0}, {1, 0, 1}}},
        {"persists",
         "two threads raise the persisted watermark, a third sleeps on it",
         {pms::Granularity::page},
         setting_of<Persists>(),
         {{3, 1, 0}, {2, 0, 1}},
         {{2, 0, 0}, {1, 0, 1}}},
        {"watches",
         "a future with a waker, and one that is dropped, beside marks",
         {pms::Granularity::page},
         setting_of<Watches>(false),
         {{3, 1, 0}, {2, 0, 1}},
         {{2, 0, 0}, {1, 0, 1}}},
        {"watches-word",
         "the same with a poller's word",
         {pms::Granularity::page},
         setting_of<Watches>(true),
         {{3, 1, 0}, {2, 0, 1}},
         {{2, 0, 0}, {1, 0, 1}}},
        {"notifies",
         "a sleeper that waits for something else than a watermark",
         {pms::Granularity::page},
         setting_of<Notifies>(),
         {{4, 1, 0}, {2, 0, 1}},
         {{2, 1, 0}, {1, 0, 1}}},
    };
    for (Scenario &scenario : all)
        scenario.alone = true;
    return all;
}

} // namespace interleavings
