// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// Threads that use one stream through the C API, on the simulated medium. Each thing a thread does here is written into
// the ledger, and is a call of the library and little else.
#pragma once

#include "interleavings/crash_check.hpp"
#include "interleavings/held_mover.hpp"
#include "interleavings/ledger.hpp"
#include "interleavings/scene.hpp"
#include "libpmemstream.h"
#include "medium/simulated_image.hpp"

#include <array>
#include <deque>
#include <string>
#include <vector>

namespace interleavings {

// What a scenario's stream is like before its threads begin.
struct StreamShape {
    std::size_t regions = 1;
    std::uint64_t slots = 16;
    std::uint64_t failing_sync = 0; // the n-th from there on
};

class StreamSetting : public Setting {
public:
    StreamSetting(const StreamShape &shape, pms::Granularity granularity);

    void count(Counters &counters) const override
    {
        counters.crash_points += crashes_.points();
        counters.crash_states += crashes_.states();
    }

protected:
    friend class StreamScene;
    const StreamShape shape_;
    pms::SimulatedImage image_;
    pms::SimulatedImage::Bytes start_;
    Ledger ledger_;
    CrashCheck crashes_;
};

// What a thread is inside of. `copy` is the waker that a data mover calls.
enum class Call : std::uint8_t {
    none,
    append,
    async_append,
    reserve,
    publish,
    abort,
    wait,
    look,
    allocate,
    free,
    iterate,
    close,
    copy
};
const char *name_of(Call call);

class StreamScene : public Scene {
public:
    explicit StreamScene(StreamSetting &setting);
    ~StreamScene() override;

    void finished() override;
    void stopped(const pms::scheduled::Scheduler &scheduler) override;

protected:
    // For threads. Ids: any two entries of a scene have different ones.
    static constexpr std::uint64_t none = UINT64_MAX;

    // Give the entry's timestamp, 0 if it was refused.
    std::uint64_t append(std::size_t region, std::uint64_t id, std::uint64_t size = 8);
    std::uint64_t async_append(std::size_t region, std::uint64_t id, std::uint64_t size = 8, bool by_mover = false);
    pmemstream_entry reserve(std::size_t region, std::uint64_t id, std::uint64_t size = 8);
    std::uint64_t publish(std::size_t region, pmemstream_entry entry, std::uint64_t id, bool wait = true,
                          std::uint64_t size = 8);
    void abort(std::size_t region, pmemstream_entry entry);
    enum class Until : std::uint8_t { committed, persisted };
    // Polls until then, and sleeps meanwhile if the future has it woken. Gives the future's error code.
    int wait(Until until, std::uint64_t timestamp);
    // Polls once, and drops the future.
    void poll_and_drop(Until until, std::uint64_t timestamp);
    std::size_t allocate();
    void free(std::size_t region);
    // Reads the region from its beginning: sees at least what was there before, each entry whole.
    void iterate(std::size_t region);
    // Reads both watermarks.
    void look();
    void close();
    // What a data mover does for an entry of async_append().
    void copy();

    pmemstream *stream() { return stream_; }
    Ledger &ledger() { return ledger_; }
    const StreamShape &shape() const { return setting_.shape_; }
    bool medium_fails() const { return setting_.shape_.failing_sync != 0; }

private:
    template <typename F>
    auto inside(Call call, F f);
    Write &submit(std::size_t region, std::uint64_t id, std::uint64_t size);
    void returned(std::uint64_t id, std::uint64_t offset);
    Write &write_of(std::uint64_t id);
    // A moment at which a crash is worth a look.
    void note(const char *when);
    void acknowledge(std::uint64_t timestamp, const char *when);
    std::uint64_t timestamp_at(std::uint64_t offset) const;
    // What an error means for the write: refused, or nobody knows.
    void failed(std::uint64_t id);
    void note_medium_step(pms::SimulatedImage::Step step, std::uint64_t offset, std::size_t size);

    StreamSetting &setting_;
    pmemstream *stream_ = nullptr;
    Ledger ledger_;
    bool over_ = false; // the threads go on only to give back what they hold
    HeldMover mover_;
    unsigned mover_thread_ = UINT32_MAX;
    std::deque<std::string> buffers_; // alive until the entries are committed
    std::array<Call, pms::scheduled::max_threads> calls_{};
    std::array<std::uint64_t, pms::scheduled::max_threads> awaited_{}; // timestamps
    std::size_t open_reservations_ = 0;
    // What each thread saw of the watermarks.
    struct Seen {
        std::uint64_t committed = 0;
        std::uint64_t persisted = 0;
    };
    std::array<Seen, pms::scheduled::max_threads> seen_{};
};

} // namespace interleavings
