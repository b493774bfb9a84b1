// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

#include "interleavings/stream_scene.hpp"

#include "api/api.hpp"
#include "format/record.hpp"
#include "sync/sync.hpp"
#include "sync/untracked.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace interleavings {
namespace {

using pms::SimulatedImage;
using pms::scheduled::Operation;
using pms::scheduled::Scheduler;

constexpr std::size_t image_size = 8192 + 1024; // spans for four regions
constexpr std::size_t region_request = 176;
constexpr std::size_t region_size = 192; // eight entries of 8 bytes

// Two of each thread's entries must not have the same.
constexpr std::uint64_t first_id = 1000;

unsigned this_thread()
{
    return Scheduler::active()->current();
}

// Whether a thread that stops inside may leave a timestamp that is not marked, or a mark that nobody was told of.
bool may_hold_timestamps(Call call)
{
    return call != Call::reserve && call != Call::allocate && call != Call::iterate;
}

std::string text(const char *what)
{
    return std::string(what) + ": " + pmemstream_errormsg();
}

} // namespace

const char *name_of(Call call)
{
    static constexpr const char *names[] = {"nothing", "append", "async_append", "reserve",  "publish",
                                            "abort",   "wait",   "look",         "allocate", "free",
                                            "iterate", "close",  "copy"};
    return names[static_cast<int>(call)];
}

StreamSetting::StreamSetting(const StreamShape &shape, pms::Granularity granularity)
    : shape_(shape), image_(image_size, granularity), crashes_(image_size, granularity)
{
    pmemstream *stream = nullptr;
    if (pmemstream_from_map(&stream, block_size, image_.map()) != 0)
        std::abort();
    ledger_.space = image_size - 8192;
    for (std::size_t index = 0; index < shape.regions; ++index) {
        pmemstream_region region{};
        pmemstream_entry entry{};
        const std::string data = explorer::data_of(first_id + index, 8);
        if (pmemstream_region_allocate(stream, region_request, &region) != 0 ||
            pmemstream_append(stream, region, nullptr, data.data(), data.size(), &entry) != 0)
            std::abort();
        ledger_.regions.push_back({region.offset, region_size, explorer::Region::State::live});
        ledger_.writes.push_back(
            {first_id + index, data.size(), index, Write::State::returned, index + 1, entry.offset});
    }
    ledger_.acknowledged = shape.regions;
    pmemstream_delete(&stream);
    start_ = image_.killed();
}

// Calls f, which is inside the library.
template <typename F>
auto StreamScene::inside(Call call, F f)
{
    struct Inside {
        explicit Inside(Call &place, Call call) : current(place) { current = call; }
        ~Inside() { current = Call::none; }
        Inside(const Inside &) = delete;
        Inside &operator=(const Inside &) = delete;
        Call &current;
    };
    const Inside inside(calls_[this_thread()], call);
    const pms::scheduled::Tracked tracked;
    return f();
}

StreamScene::StreamScene(StreamSetting &setting) : setting_(setting), ledger_(setting.ledger_)
{
    SimulatedImage &image = setting_.image_;
    image.reset(setting_.start_);
    std::unique_ptr<pms::Stream> stream;
    const pms::Error error = pms::Stream::open(pms::Medium(image), block_size, pms::Stream::IfEmpty::refuse,
                                               pms::Options{.slots = setting_.shape_.slots}, stream);
    expect(!pms::failed(error), "the stream does not open");
    stream_ = pms::api::wrap(stream.release());
    image.fail_sync(setting_.shape_.failing_sync);
    image.before_step = [this](SimulatedImage::Step step, std::uint64_t offset, std::size_t size) {
        note_medium_step(step, offset, size);
    };
    image.before_fence = [this] {
        const pms::scheduled::Untracked untracked;
        if (Scheduler::active() != nullptr)
            note("at a fence");
    };
}

StreamScene::~StreamScene()
{
    setting_.image_.before_step = nullptr;
    setting_.image_.before_fence = nullptr;
    setting_.image_.kill();
    pmemstream_delete(&stream_);
}

void StreamScene::note_medium_step(SimulatedImage::Step step, std::uint64_t offset, std::size_t size)
{
    const pms::scheduled::Untracked untracked;
    Scheduler *scheduler = Scheduler::active();
    if (scheduler == nullptr)
        return;
    const SimulatedImage &image = setting_.image_;
    // What is stored in its order: a line, a sector, or with eADR all.
    const std::uint64_t grain = image.granularity() == pms::Granularity::page ? 512 : 64;
    const auto touch = [&](bool changes) {
        for (std::uint64_t place = offset / grain * grain; place < offset + size; place += grain)
            scheduler->touch(image.cache() + place, changes);
    };
    scheduler->step({.kind = Operation::Kind::medium, .object = image.cache() + offset / grain * grain});
    switch (step) {
    case SimulatedImage::Step::load:
    case SimulatedImage::Step::flush:
        return touch(false);
    case SimulatedImage::Step::store:
        scheduler->drain();
        if (image.granularity() == pms::Granularity::byte)
            scheduler->touch(&image, true);
        return touch(true);
    case SimulatedImage::Step::fence:
        scheduler->drain();
        return scheduler->touch(nullptr, false);
    case SimulatedImage::Step::sync:
        scheduler->drain();
        // Which one fails is counted over all.
        scheduler->touch(&image, true);
        size = (offset + size + 4095) / 4096 * 4096 - offset / 4096 * 4096;
        offset = offset / 4096 * 4096;
        return touch(true);
    }
}

void StreamScene::note(const char *when)
{
    if (!over_)
        setting_.crashes_.note(setting_.image_, ledger_, when);
}

Write &StreamScene::write_of(std::uint64_t id)
{
    return *std::ranges::find(ledger_.writes, id, &Write::id);
}

Write &StreamScene::submit(std::size_t region, std::uint64_t id, std::uint64_t size)
{
    return ledger_.writes.emplace_back(Write{.id = id, .size = size, .region = region});
}

std::uint64_t StreamScene::timestamp_at(std::uint64_t offset) const
{
    pms::format::RecordHeader header;
    std::memcpy(&header, setting_.image_.cache() + offset, sizeof header);
    return pms::format::decode(header).timestamp;
}

void StreamScene::acknowledge(std::uint64_t timestamp, const char *when)
{
    if (timestamp <= ledger_.acknowledged)
        return;
    ledger_.acknowledged = timestamp;
    note(when);
}

void StreamScene::returned(std::uint64_t id, std::uint64_t offset)
{
    Write &write = write_of(id);
    write.state = Write::State::returned;
    write.offset = offset;
    write.timestamp = timestamp_at(offset);
    for (const Write &other : ledger_.writes)
        if (other.id != id && other.state == Write::State::returned && other.timestamp == write.timestamp)
            fail("a timestamp was handed out twice");
}

void StreamScene::failed(std::uint64_t id)
{
    if (errno == EIO && medium_fails())
        return; // nobody knows
    if (errno == ENOENT || errno == ENOSPC)
        write_of(id).state = Write::State::refused;
    else
        fail(text("an append"));
}

std::uint64_t StreamScene::append(std::size_t region, std::uint64_t id, std::uint64_t size)
{
    submit(region, id, size);
    const std::string data = explorer::data_of(id, size);
    pmemstream_entry entry{};
    const pmemstream_region place{ledger_.regions[region].offset};
    const int result =
        inside(Call::append, [&] { return pmemstream_append(stream_, place, nullptr, data.data(), size, &entry); });
    if (result != 0)
        return failed(id), 0;
    returned(id, entry.offset);
    const std::uint64_t timestamp = write_of(id).timestamp;
    acknowledge(timestamp, "after an append returned");
    return timestamp;
}

std::uint64_t StreamScene::async_append(std::size_t region, std::uint64_t id, std::uint64_t size, bool by_mover)
{
    submit(region, id, size);
    const std::string &data = buffers_.emplace_back(explorer::data_of(id, size));
    pmemstream_entry entry{};
    const pmemstream_region place{ledger_.regions[region].offset};
    vdm *mover = by_mover ? mover_.mover() : nullptr;
    const int result = inside(Call::async_append, [&] {
        return pmemstream_async_append(stream_, mover, place, nullptr, data.data(), size, &entry);
    });
    if (result != 0)
        return failed(id), 0;
    returned(id, entry.offset);
    return write_of(id).timestamp;
}

pmemstream_entry StreamScene::reserve(std::size_t region, std::uint64_t id, std::uint64_t size)
{
    pmemstream_entry entry{UINT64_MAX};
    void *place = nullptr;
    const pmemstream_region where{ledger_.regions[region].offset};
    const int result =
        inside(Call::reserve, [&] { return pmemstream_reserve(stream_, where, nullptr, size, &entry, &place); });
    if (result != 0) {
        if (errno != ENOENT && errno != ENOSPC && errno != EIO)
            fail(text("reserving"));
        return {UINT64_MAX};
    }
    ++open_reservations_;
    const std::string data = explorer::data_of(id, size);
    std::memcpy(place, data.data(), size);
    return entry;
}

std::uint64_t StreamScene::publish(std::size_t region, pmemstream_entry entry, std::uint64_t id, bool wait,
                                   std::uint64_t size)
{
    if (entry.offset == UINT64_MAX)
        return 0;
    submit(region, id, size);
    const pmemstream_region place{ledger_.regions[region].offset};
    const int result = inside(Call::publish, [&] {
        return wait ? pmemstream_publish(stream_, place, nullptr, entry, size)
                    : pmemstream_async_publish(stream_, place, nullptr, entry, size);
    });
    if (result != 0)
        return failed(id), 0;
    --open_reservations_;
    returned(id, entry.offset);
    const std::uint64_t timestamp = write_of(id).timestamp;
    if (wait)
        acknowledge(timestamp, "after a publish returned");
    return timestamp;
}

void StreamScene::abort(std::size_t region, pmemstream_entry entry)
{
    if (entry.offset == UINT64_MAX)
        return;
    const pmemstream_region place{ledger_.regions[region].offset};
    const int result = inside(Call::abort, [&] { return pmemstream_abort(stream_, place, nullptr, entry); });
    expect(result == 0 || medium_fails(), "a reservation could not be given back");
    --open_reservations_;
}

int StreamScene::wait(Until until, std::uint64_t timestamp)
{
    pms::sync::atomic<std::uint32_t> woken{0};
    awaited_[this_thread()] = timestamp;
    auto future = until == Until::committed ? pmemstream_async_wait_committed(stream_, timestamp)
                                            : pmemstream_async_wait_persisted(stream_, timestamp);
    for (;;) {
        future_notifier notifier{};
        notifier.waker = {&woken, [](void *data) {
                              auto *flag = static_cast<pms::sync::atomic<std::uint32_t> *>(data);
                              flag->store(1);
                              flag->notify_all();
                          }};
        woken.store(0);
        const future_state state =
            inside(Call::wait, [&] { return future_poll(FUTURE_AS_RUNNABLE(&future), &notifier); });
        if (state == FUTURE_STATE_COMPLETE)
            break;
        if (notifier.notifier_used == FUTURE_NOTIFIER_WAKER)
            woken.wait(0);
        else
            pms::sync::sleep_for(1);
    }
    if (FUTURE_OUTPUT(&future)->error_code != 0) {
        expect(medium_fails(), "a wait failed");
        return FUTURE_OUTPUT(&future)->error_code;
    }
    if (until == Until::persisted)
        acknowledge(timestamp, "after a wait");
    look();
    const Seen &seen = seen_[this_thread()];
    expect((until == Until::committed ? seen.committed : seen.persisted) >= timestamp, "a wait ended too early");
    return 0;
}

void StreamScene::poll_and_drop(Until until, std::uint64_t timestamp)
{
    auto future = until == Until::committed ? pmemstream_async_wait_committed(stream_, timestamp)
                                            : pmemstream_async_wait_persisted(stream_, timestamp);
    inside(Call::wait, [&] { return future_poll(FUTURE_AS_RUNNABLE(&future), nullptr); });
}

void StreamScene::look()
{
    Seen &seen = seen_[this_thread()];
    const std::uint64_t persisted = inside(Call::look, [&] { return pmemstream_persisted_timestamp(stream_); });
    const std::uint64_t committed = inside(Call::look, [&] { return pmemstream_committed_timestamp(stream_); });
    expect(committed >= persisted, "persisted, but not committed");
    expect(committed >= seen.committed && persisted >= seen.persisted, "a watermark fell");
    seen = {committed, persisted};
    acknowledge(persisted, "after a look at the watermark");
}

std::size_t StreamScene::allocate()
{
    const std::size_t index = ledger_.regions.size();
    ledger_.regions.push_back({UINT64_MAX, 0, explorer::Region::State::being_allocated});
    pmemstream_region region{};
    if (inside(Call::allocate, [&] { return pmemstream_region_allocate(stream_, region_request, &region); }) != 0)
        fail(text("allocating"));
    ledger_.regions[index] = {region.offset, region_size, explorer::Region::State::live};
    note("after an allocation");
    return index;
}

void StreamScene::free(std::size_t index)
{
    ledger_.regions[index].state = explorer::Region::State::being_freed;
    const pmemstream_region region{ledger_.regions[index].offset};
    if (inside(Call::free, [&] { return pmemstream_region_free(stream_, region); }) != 0)
        fail(text("freeing"));
    ledger_.regions[index].state = explorer::Region::State::gone;
    note("after a region was freed");
}

void StreamScene::iterate(std::size_t index)
{
    // The ledger tells at once what other threads were acknowledged. Who learns of it in any other way has seen what
    // they had stored by then.
    pms::sync::heavy_fence();
    std::vector<std::uint64_t> owed;
    for (const Write &write : ledger_.writes)
        if (write.region == index && write.state == Write::State::returned && write.timestamp <= ledger_.acknowledged)
            owed.push_back(write.id);
    const pmemstream_region region{ledger_.regions[index].offset};
    pmemstream_entry_iterator *iterator = nullptr;
    if (inside(Call::iterate, [&] { return pmemstream_entry_iterator_new(&iterator, stream_, region); }) != 0)
        return expect(ledger_.regions[index].state != explorer::Region::State::live, "no iterator");
    inside(Call::iterate, [&] { pmemstream_entry_iterator_seek_first(iterator); });
    std::uint64_t last = 0;
    while (inside(Call::iterate, [&] { return pmemstream_entry_iterator_is_valid(iterator); }) == 0) {
        const std::uint64_t offset =
            inside(Call::iterate, [&] { return pmemstream_entry_iterator_get(iterator).offset; });
        if (offset == UINT64_MAX)
            break; // freed meanwhile
        expect(offset > last, "entries out of order");
        const std::uint64_t committed = inside(Call::look, [&] { return pmemstream_committed_timestamp(stream_); });
        // Unless the region was freed meanwhile, and its space holds another's.
        expect(committed >= timestamp_at(offset) ||
                   inside(Call::iterate, [&] { return pmemstream_entry_iterator_is_valid(iterator); }) != 0,
               "an entry is shown that is not committed");
        last = offset;
        const auto *data = reinterpret_cast<const char *>(setting_.image_.cache()) + offset + 16;
        const auto found = std::ranges::find_if(ledger_.writes, [&](const Write &write) {
            const std::string whole = explorer::data_of(write.id, write.size);
            // Or a later region's at the same place.
            return ledger_.regions[write.region].offset == region.offset &&
                   std::memcmp(data, whole.data(), whole.size()) == 0;
        });
        if (found != ledger_.writes.end())
            std::erase(owed, found->id);
        else // then the region was freed meanwhile
            expect(inside(Call::iterate, [&] { return pmemstream_entry_iterator_is_valid(iterator); }) != 0,
                   "an entry that is not whole");
        inside(Call::iterate, [&] { pmemstream_entry_iterator_next(iterator); });
    }
    if (ledger_.regions[index].state == explorer::Region::State::live)
        expect(owed.empty() && errno == ENOENT, "an iterator does not show what was acknowledged");
    pmemstream_entry_iterator_delete(&iterator);
}

void StreamScene::close()
{
    inside(Call::close, [&] { pmemstream_delete(&stream_); });
    acknowledge(ledger_.submitted(), "after a close");
}

void StreamScene::copy()
{
    mover_thread_ = this_thread();
    const future_waker waker = mover_.copy();
    inside(Call::copy, [&] { waker.wake(waker.data); });
}

void StreamScene::finished()
{
    if (stream_ != nullptr && !medium_fails()) {
        // Nothing is lost in memory either.
        auto future = pmemstream_async_wait_persisted(stream_, ledger_.submitted());
        for (int polls = 0; future_poll(FUTURE_AS_RUNNABLE(&future), nullptr) != FUTURE_STATE_COMPLETE; ++polls)
            if (polls == 100)
                return fail("timestamps are missing");
        ledger_.acknowledged = ledger_.submitted();
        // Behind an open reservation nothing is shown.
        if (const std::string wrong = open_reservations_ == 0 ? ledger_.compare(stream_) : ""; !wrong.empty())
            return fail(wrong);
        pmemstream_delete(&stream_);
    }
    note("at the end");
    if (const std::string wrong = setting_.crashes_.check(); !wrong.empty())
        fail(wrong);
}

void StreamScene::stopped(const Scheduler &scheduler)
{
    unsigned dead = 0;
    while (!scheduler.stopped(dead))
        ++dead;
    const auto stuck = [&](unsigned thread) { return thread != dead && !scheduler.ended(thread); };
    // Who syncs for others may stand before the mutex of a region, inside of which the stopped thread is.
    bool syncer_waits = false;
    for (unsigned thread = 0; thread < scheduler.threads(); ++thread)
        syncer_waits = syncer_waits || (stuck(thread) && setting_.image_.granularity() == pms::Granularity::page &&
                                        scheduler.operation(thread).kind == Operation::Kind::lock);
    for (unsigned thread = 0; thread < scheduler.threads(); ++thread) {
        if (!stuck(thread))
            continue;
        // Some wait for what was never begun, and for copies of a mover that died.
        const bool sleeps = scheduler.operation(thread).kind == Operation::Kind::wait;
        const bool for_an_entry = calls_[thread] == Call::none && sleeps && awaited_[thread] > ledger_.submitted();
        if ((thread == mover_thread_ && sleeps) ||
            (calls_[dead] == Call::none && (for_an_entry || dead == mover_thread_)))
            continue;
        expect(calls_[dead] != Call::none && calls_[dead] != Call::look,
               "a thread outside the library holds up another");
        expect(!sleeps || syncer_waits || may_hold_timestamps(calls_[dead]),
               "a thread without a timestamp holds up a watermark");
    }
    note("after a thread was stopped");
    if (const std::string wrong = setting_.crashes_.check(); !wrong.empty())
        fail(wrong);
    over_ = true;
    // Some wait for the failure.
    if (!medium_fails())
        setting_.image_.kill();
}

} // namespace interleavings
