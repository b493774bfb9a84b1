// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// Whole streams.

#include "interleavings/stream_scenarios.hpp"

#include "interleavings/stream_scene.hpp"
#include "medium/medium.hpp"

#include <utility>
#include <vector>

namespace interleavings {
namespace {

// More than the medium's small entries.
constexpr std::uint64_t large = 24;
static_assert(large > pms::Medium::small_entry);

// Entries of a thread have the ids thread * 16, and so on.
constexpr std::uint64_t id(std::uint64_t thread, std::uint64_t n)
{
    return thread * 16 + n;
}

// Threads append synchronously, each to its region or all to the same.
class Appends final : public StreamScene {
public:
    Appends(StreamSetting &setting, unsigned threads, unsigned each, std::uint64_t size)
        : StreamScene(setting), threads_(threads), each_(each), size_(size)
    {}
    Threads threads() override
    {
        Threads all;
        for (unsigned thread = 0; thread < threads_; ++thread)
            all.emplace_back([this, thread] {
                std::uint64_t last = 0;
                for (unsigned n = 0; n < each_; ++n) {
                    const std::uint64_t timestamp = append(thread % shape().regions, id(thread, n), size_);
                    expect(timestamp > last || medium_fails(), "timestamps of a thread do not rise");
                    last = timestamp;
                    look();
                }
            });
        return all;
    }

private:
    unsigned threads_;
    unsigned each_;
    std::uint64_t size_;
};

// Threads append entries of different sizes to one region: of those that take their timestamp first, and last.
class AppendsOfSizes final : public StreamScene {
public:
    AppendsOfSizes(StreamSetting &setting, std::vector<std::uint64_t> sizes)
        : StreamScene(setting), sizes_(std::move(sizes))
    {}
    Threads threads() override
    {
        Threads all;
        for (std::size_t thread = 0; thread < sizes_.size(); ++thread)
            all.emplace_back([this, thread] {
                append(0, id(thread, 0), sizes_[thread]);
                look();
            });
        return all;
    }

private:
    std::vector<std::uint64_t> sizes_;
};

// A region is freed while a thread writes an entry to it that has no timestamp yet.
class FreesWhileWritten final : public StreamScene {
public:
    using StreamScene::StreamScene;
    Threads threads() override
    {
        return {[this] { append(0, id(0, 0), large); }, [this] { free(0); }};
    }
};

// A reservation is given back beside appends behind it.
class Aborts final : public StreamScene {
public:
    using StreamScene::StreamScene;
    Threads threads() override
    {
        return {[this] {
                    const pmemstream_entry first = reserve(0, id(0, 0), 16);
                    const pmemstream_entry second = reserve(0, id(0, 1), 16);
                    abort(0, first);
                    publish(0, second, id(0, 1), true, 16);
                },
                [this] {
                    append(0, id(1, 0));
                    look();
                }};
    }
};

// One appends asynchronously and waits, the other appends.
class Asynchronous final : public StreamScene {
public:
    using StreamScene::StreamScene;
    Threads threads() override
    {
        return {[this] {
                    async_append(0, id(0, 0));
                    const std::uint64_t timestamp = async_append(0, id(0, 1));
                    wait(Until::persisted, timestamp);
                },
                [this] {
                    append(shape().regions - 1, id(1, 0));
                    wait(Until::committed, 1);
                }};
    }
};

// Two append asynchronously and wait: flushes beside each other, one sync for both.
class GroupCommit final : public StreamScene {
public:
    GroupCommit(StreamSetting &setting, unsigned threads) : StreamScene(setting), threads_(threads) {}
    Threads threads() override
    {
        Threads all;
        for (unsigned thread = 0; thread < threads_; ++thread)
            all.emplace_back([this, thread] {
                const std::uint64_t timestamp = async_append(thread % shape().regions, id(thread, 0));
                if (timestamp != 0)
                    wait(Until::persisted, timestamp);
                look();
            });
        return all;
    }

private:
    unsigned threads_;
};

// A reservation beside appends to the same region.
class Reserves final : public StreamScene {
public:
    Reserves(StreamSetting &setting, bool wait) : StreamScene(setting), wait_(wait) {}
    Threads threads() override
    {
        return {[this] {
                    const pmemstream_entry entry = reserve(0, id(0, 0), 16);
                    const std::uint64_t timestamp = publish(0, entry, id(0, 0), wait_, 16);
                    if (!wait_)
                        wait(Until::persisted, timestamp);
                },
                [this] {
                    append(0, id(1, 0));
                    look();
                }};
    }

private:
    bool wait_;
};

// Two reservations, published in the other order, beside each other.
class Publishes final : public StreamScene {
public:
    using StreamScene::StreamScene;
    Threads threads() override
    {
        return {[this] {
                    const pmemstream_entry first = reserve(0, id(0, 0), 16);
                    const pmemstream_entry second = reserve(0, id(0, 1), 16);
                    publish(0, second, id(0, 1), true, 16);
                    publish(0, first, id(0, 0), true, 16);
                },
                [this] {
                    const pmemstream_entry entry = reserve(0, id(1, 0), 8);
                    publish(0, entry, id(1, 0));
                }};
    }
};

// A reservation that is never published holds up nobody.
class Abandons final : public StreamScene {
public:
    using StreamScene::StreamScene;
    Threads threads() override
    {
        return {[this] { reserve(0, id(0, 0), 16); },
                [this] {
                    append(0, id(1, 0));
                    append(shape().regions - 1, id(1, 1));
                }};
    }
};

// Who reads beside who appends.
class Iterates final : public StreamScene {
public:
    using StreamScene::StreamScene;
    Threads threads() override
    {
        return {[this] {
                    append(0, id(0, 0));
                    async_append(0, id(0, 1));
                },
                [this] {
                    iterate(0);
                    iterate(0);
                }};
    }
};

// The same beside a mover's copy, which is shown only once it is complete.
class IteratesOverCopies final : public StreamScene {
public:
    using StreamScene::StreamScene;
    Threads threads() override
    {
        return {[this] {
                    async_append(0, id(0, 0), 16, true);
                    async_append(0, id(0, 1));
                },
                [this] { copy(); },
                [this] {
                    iterate(0);
                    look();
                }};
    }
};

// Regions come and go beside appends.
class Allocates final : public StreamScene {
public:
    using StreamScene::StreamScene;
    Threads threads() override
    {
        return {[this] { append(allocate(), id(0, 0)); }, [this] { append(0, id(1, 0)); }};
    }
};

class Frees final : public StreamScene {
public:
    using StreamScene::StreamScene;
    Threads threads() override
    {
        return {[this] { free(0); },
                [this] {
                    // Refused from the moment on at which it begins to go.
                    append(0, id(1, 0));
                    append(1, id(1, 1));
                },
                [this] { iterate(0); }};
    }
};

// The space that was freed is used again, while somebody reads there.
class FreesAndAllocates final : public StreamScene {
public:
    using StreamScene::StreamScene;
    Threads threads() override
    {
        return {[this] {
                    free(0);
                    append(allocate(), id(0, 0));
                },
                [this] {
                    append(1, id(1, 0));
                    iterate(0);
                }};
    }
};

// A wait for a timestamp that is handed out later, and one that is dropped half polled.
class WaitsAhead final : public StreamScene {
public:
    explicit WaitsAhead(StreamSetting &setting, bool persisted) : StreamScene(setting), persisted_(persisted) {}
    Threads threads() override
    {
        return {[this] {
                    async_append(0, id(0, 0));
                    append(0, id(0, 1));
                },
                [this] { wait(persisted_ ? Until::persisted : Until::committed, shape().regions + 2); },
                [this] { poll_and_drop(Until::persisted, shape().regions + 2); }};
    }

private:
    bool persisted_;
};

// A wait for what is never appended ends when the medium fails.
class WaitsForFailure final : public StreamScene {
public:
    using StreamScene::StreamScene;
    Threads threads() override
    {
        return {[this] { append(0, id(0, 0)); },
                [this] { expect(wait(Until::persisted, shape().regions + 5) != 0, "a wait outlived the medium"); }};
    }
};

// A copy made by a mover's thread, which wakes the stream, beside an append behind it.
class Moves final : public StreamScene {
public:
    using StreamScene::StreamScene;
    Threads threads() override
    {
        return {[this] {
                    const std::uint64_t timestamp = async_append(0, id(0, 0), 16, true);
                    wait(Until::persisted, timestamp);
                },
                [this] { copy(); }, [this] { append(shape().regions - 1, id(2, 0)); }};
    }
};

// Two threads have copies made, one of which nobody waits for.
class MovesTwice final : public StreamScene {
public:
    using StreamScene::StreamScene;
    Threads threads() override
    {
        return {[this] {
                    const std::uint64_t timestamp = async_append(0, id(0, 0), 16, true);
                    wait(Until::committed, timestamp);
                },
                [this] { async_append(1, id(1, 0), 16, true); },
                [this] {
                    copy();
                    copy();
                }};
    }
};

// A stream that is closed while a mover's copy is under way.
class Closes final : public StreamScene {
public:
    using StreamScene::StreamScene;
    Threads threads() override
    {
        return {[this] {
                    async_append(0, id(0, 0), 16, true);
                    async_append(0, id(0, 1));
                    close();
                },
                [this] { copy(); }};
    }
};

template <typename Made, typename... Arguments>
std::function<std::unique_ptr<Setting>(pms::Granularity)> setting_of(StreamShape shape, Arguments... arguments)
{
    class Own final : public StreamSetting {
    public:
        Own(const StreamShape &shape, pms::Granularity granularity,
            std::function<std::unique_ptr<Scene>(StreamSetting &)> make)
            : StreamSetting(shape, granularity), make_(std::move(make))
        {}
        std::unique_ptr<Scene> scene() override { return make_(*this); }

    private:
        std::function<std::unique_ptr<Scene>(StreamSetting &)> make_;
    };
    return [=](pms::Granularity granularity) {
        return std::make_unique<Own>(
            shape, granularity, [=](StreamSetting &setting) { return std::make_unique<Made>(setting, arguments...); });
    };
}

constexpr auto byte = pms::Granularity::byte;
constexpr auto line = pms::Granularity::cache_line;
constexpr auto page = pms::Granularity::page;

} // namespace

std::vector<Scenario> stream_scenarios()
{
    const std::vector<Bounds> two = {{2, 0, 0}, {1, 1, 0}, {1, 0, 1}};
    const std::vector<Bounds> two_deep = {{3, 0, 0}, {1, 1, 0}, {1, 0, 1}};
    const std::vector<Bounds> three = {{1, 1, 0}, {0, 0, 1}};
    const std::vector<Bounds> three_deep = {{2, 0, 0}, {1, 1, 0}, {1, 0, 1}};
    const std::vector<Bounds> brief = {{1, 0, 0}, {0, 0, 1}};
    return {
        {"append-own",
         "two threads append to their own regions",
         {line, byte, page},
         setting_of<Appends>({.regions = 2}, 2U, 1U, 8U),
         two,
         brief},
        {"append-same",
         "two threads append to one region",
         {line, byte, page},
         setting_of<Appends>({.regions = 1}, 2U, 1U, 8U),
         two_deep,
         brief},
        {"append-twice",
         "two threads append twice to their own regions, with two slots",
         {line, page},
         setting_of<Appends>({.regions = 2, .slots = 2}, 2U, 2U, 8U),
         two,
         brief},
        {"append-3",
         "three threads append, two of them to one region",
         {line, page},
         setting_of<Appends>({.regions = 2}, 3U, 1U, 8U),
         three_deep,
         brief},
        {"append-full",
         "three threads append, with one slot",
         {line, page},
         setting_of<Appends>({.regions = 2, .slots = 1}, 3U, 1U, 8U),
         three,
         brief},
        {"append-large",
         "two threads append larger entries to one region",
         {line, byte, page},
         setting_of<AppendsOfSizes>({.regions = 1}, std::vector{large, large}),
         two_deep,
         brief},
        {"append-mixed",
         "a larger and a smaller one",
         {line, byte, page},
         setting_of<AppendsOfSizes>({.regions = 1}, std::vector<std::uint64_t>{large, 8}),
         two_deep,
         brief},
        {"append-mixed-3",
         "a larger and two smaller ones",
         {line, page},
         setting_of<AppendsOfSizes>({.regions = 1}, std::vector<std::uint64_t>{large, 8, 8}),
         three,
         brief},
        {"append-eio",
         "two threads append, and a sync fails",
         {page},
         setting_of<Appends>({.regions = 2, .failing_sync = 2}, 2U, 2U, 8U),
         two,
         brief},
        {"async",
         "an asynchronous append and waits beside an append",
         {line, byte, page},
         setting_of<Asynchronous>({.regions = 2}),
         two,
         brief},
        {"async-same", "the same in one region", {line, page}, setting_of<Asynchronous>({.regions = 1}), two, brief},
        {"group",
         "two wait for what they appended asynchronously",
         {line, page},
         setting_of<GroupCommit>({.regions = 2}, 2U),
         two,
         brief},
        {"group-3",
         "three do, with two slots",
         {line, page},
         setting_of<GroupCommit>({.regions = 2, .slots = 2}, 3U),
         three,
         brief},
        {"group-eio",
         "two do, and the sync fails",
         {page},
         setting_of<GroupCommit>({.regions = 2, .failing_sync = 3}, 2U),
         two,
         brief},
        {"reserve",
         "a reservation is published beside an append behind it",
         {line, byte, page},
         setting_of<Reserves>({.regions = 1}, true),
         two_deep,
         brief},
        {"reserve-async",
         "the same, published asynchronously",
         {line, page},
         setting_of<Reserves>({.regions = 1}, false),
         two,
         brief},
        {"publish",
         "three reservations of two threads",
         {line, page},
         setting_of<Publishes>({.regions = 1}),
         two,
         brief},
        {"abandon",
         "a reservation that is never published beside appends",
         {line, page},
         setting_of<Abandons>({.regions = 2}),
         two,
         brief},
        {"iterate", "a reader beside appends", {line, page}, setting_of<Iterates>({.regions = 1}), two, brief},
        {"iterate-mover",
         "a reader beside a mover's copy",
         {line},
         setting_of<IteratesOverCopies>({.regions = 1}),
         three,
         brief},
        {"abort",
         "reservations are given back and published beside an append",
         {line, page},
         setting_of<Aborts>({.regions = 1}),
         two,
         brief},
        {"free-written",
         "a region is freed beside a larger append",
         {line, page},
         setting_of<FreesWhileWritten>({.regions = 2}),
         two,
         brief},
        {"allocate",
         "a region is allocated beside an append",
         {line, page},
         setting_of<Allocates>({.regions = 1}),
         two,
         brief},
        {"free",
         "a region is freed beside appends to it and a reader",
         {line, page},
         setting_of<Frees>({.regions = 2}),
         three_deep,
         brief},
        {"free-allocate",
         "a region is freed and its space used again, beside appends",
         {line, page},
         setting_of<FreesAndAllocates>({.regions = 2}),
         two,
         brief},
        {"wait-ahead",
         "a wait for the commit of what is appended later",
         {line, page},
         setting_of<WaitsAhead>({.regions = 1}, false),
         three,
         brief},
        {"wait-ahead-persisted",
         "a wait for its persistence",
         {line, page},
         setting_of<WaitsAhead>({.regions = 1}, true),
         three,
         brief},
        {"wait-eio",
         "a wait for what is never appended, and a sync fails",
         {page},
         setting_of<WaitsForFailure>({.regions = 1, .failing_sync = 2}),
         two,
         brief},
        {"mover", "a mover's copy beside an append", {line, page}, setting_of<Moves>({.regions = 2}), three, brief},
        {"mover-2", "two copies of a mover", {line}, setting_of<MovesTwice>({.regions = 2}), three, brief},
        {"close", "a close while a mover copies", {line, page}, setting_of<Closes>({.regions = 1}), two, brief},
    };
}

} // namespace interleavings
