// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

#include "session.hpp"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <thread>

namespace model {

void require(bool holds, std::string_view what, std::string_view where)
{
    if (!holds)
        throw Mismatch(std::string(what).append(where) + " [" + pmemstream_errormsg() + "]");
}

void require_equal(std::uint64_t found, std::uint64_t expected, std::string_view what, std::string_view where)
{
    if (found != expected)
        throw Mismatch(std::string(what).append(where) + ": found " + std::to_string(found) + ", expected " +
                       std::to_string(expected));
}

void require_failure(int result, int expected_errno, std::string_view what)
{
    const int number = errno;
    require_equal(static_cast<std::uint64_t>(result), static_cast<std::uint64_t>(-1), what, " should fail");
    require_equal(static_cast<std::uint64_t>(number), static_cast<std::uint64_t>(expected_errno), what, ": errno");
}

namespace {

std::atomic<std::uint64_t> copies_started{0};
std::atomic<std::uint64_t> copies_done{0};

void *counted_memcpy(void *to, const void *from, size_t size, unsigned)
{
    std::memcpy(to, from, size);
    copies_done.fetch_add(1);
    return to;
}

} // namespace

struct vdm *sync_mover()
{
    static const std::unique_ptr<data_mover_sync, void (*)(data_mover_sync *)> mover(data_mover_sync_new(),
                                                                                     data_mover_sync_delete);
    return data_mover_sync_get_vdm(mover.get());
}

struct vdm *threads_mover()
{
    static const std::unique_ptr<data_mover_threads, void (*)(data_mover_threads *)> mover = [] {
        data_mover_threads *made = data_mover_threads_new(2, 128, FUTURE_NOTIFIER_WAKER);
        data_mover_threads_set_memcpy_fn(made, counted_memcpy);
        return decltype(mover)(made, data_mover_threads_delete);
    }();
    return data_mover_threads_get_vdm(mover.get());
}

void count_worker_copy()
{
    copies_started.fetch_add(1);
}

void wait_for_workers()
{
    while (copies_done.load() != copies_started.load())
        std::this_thread::yield();
}

Session::Session(const MediumKind &kind, const Case &one) : kind_(kind), case_(one), random_(one.seed) {}

Session::~Session()
{
    if (store_ != nullptr)
        store_->before_fence(nullptr);
    leave_stream();
}

void Session::run()
{
    create();
    for (const Command &command : case_.commands) {
        undecided_allocation_.reset();
        undecided_free_.reset();
        if (command.crash_at == 0) {
            execute(command);
        } else {
            arm(command.crash_at);
            execute(command);
            store_->before_fence(nullptr);
            if (!snapshot_) { // the command is over, so there is no doubt
                undecided_allocation_.reset();
                undecided_free_.reset();
                snapshot_ = take_snapshot(armed_crash_);
            }
            Snapshot left = std::move(*snapshot_);
            snapshot_.reset();
            go_on_with(std::move(left), 0);
        }
        check(model_.size < 200000 || command.op == Op::crash || command.crash_at != 0);
    }
    reopen({Op::reopen, 0, Fit::plain, 0, 1, 0});
    check(true);
}

void Session::execute(const Command &command)
{
    switch (command.op) {
    case Op::allocate:
        return allocate(command);
    case Op::free:
        return free_region(command);
    case Op::append:
        return append(command);
    case Op::async_append:
        return async_append(command);
    case Op::wait_committed:
        return wait(command, false);
    case Op::wait_persisted:
        return wait(command, true);
    case Op::reserve:
        return reserve(command);
    case Op::publish:
        return publish(command, true);
    case Op::async_publish:
        return publish(command, false);
    case Op::abort:
        return abort(command);
    case Op::release_copies:
        return release_copies();
    case Op::bad_calls:
        return bad_calls(command);
    case Op::wild_calls:
        return wild_calls(command);
    case Op::reopen:
        return reopen(command);
    case Op::crash:
        return crash(command);
    }
}

Region *Session::choose_region(const Command &command)
{
    return model_.regions.empty() ? nullptr : &model_.regions[command.where % model_.regions.size()];
}

pmemstream_region_runtime *Session::runtime_of(const Region &region, const Command &command)
{
    if (command.how % 2 == 0)
        return nullptr;
    pmemstream_region_runtime *runtime = nullptr;
    require(pmemstream_region_runtime_initialize(stream_, {region.offset}, &runtime) == 0 && runtime != nullptr,
            "region_runtime_initialize");
    return runtime;
}

void Session::release_copies()
{
    held_.release();
    copying_timestamps_.insert(copying_timestamps_.end(), held_timestamps_.begin(), held_timestamps_.end());
    held_timestamps_.clear();
}

void Session::acknowledge(std::uint64_t timestamp)
{
    model_.acknowledged = std::max(model_.acknowledged, timestamp);
    std::erase_if(copying_timestamps_, [&](std::uint64_t copying) { return copying <= timestamp; });
}

void Session::allocate(const Command &command)
{
    // Often what was freed last, and sometimes all that is left.
    std::uint64_t size = command.size;
    if (command.how % 4 == 0 && !model_.freed.empty())
        size = model_.freed[command.where % model_.freed.size()].span - header_size;
    else if (command.fit == Fit::fills || command.fit == Fit::too_large)
        size = model_.longest_free() - std::min(model_.longest_free(), header_size) + (command.fit == Fit::too_large);
    pmemstream_region region{12345};
    const int result = pmemstream_region_allocate(stream_, size, &region);
    const std::uint64_t span = model_.span_of(size);
    if (size == 0 || span > model_.longest_free()) {
        require_failure(result, size == 0 ? EINVAL : ENOSPC, "region_allocate");
        return require_equal(region.offset, 12345, "the out-parameter of a failed region_allocate");
    }
    require(result == 0, "region_allocate where there is space");

    Region made{.offset = region.offset, .size = span - header_size, .generation = 0, .slots = {}};
    require(made.offset % model_.block_size == model_.metadata_size % model_.block_size &&
                made.offset >= model_.metadata_size && made.end() <= model_.spans_end(),
            "a region lies inside the stream");
    for (const Region &other : model_.regions)
        require(made.end() <= other.offset || other.end() <= made.offset, "regions do not overlap");
    pmemstream_region_info told{};
    require(pmemstream_get_region_info(stream_, region, &told, sizeof told) == 0, "get_region_info");
    require(told.generation > model_.last_generation, "a region's generation is higher than any before it");
    made.generation = model_.last_generation = told.generation;

    // Of the freed regions of one size the last is used again first. Others may have been joined or split.
    const auto used = std::ranges::find(model_.freed, made.offset, &Freed::offset);
    if (used != model_.freed.end() && used->span == span)
        require(std::none_of(used + 1, model_.freed.end(), [&](const Freed &one) { return one.span == span; }),
                "of freed regions of one size the last one is used first");
    else if (used != model_.freed.end() || model_.freed.size() > 1)
        model_.freed.clear();
    std::erase_if(model_.freed,
                  [&](const Freed &one) { return one.offset < made.end() && made.offset < one.offset + one.span; });
    model_.regions.push_back(made);
    undecided_allocation_ = made.generation;
}

void Session::free_region(const Command &command)
{
    Region *region = choose_region(command);
    if (region == nullptr)
        return;
    release_copies();
    // Until it has returned, it may have happened or not.
    undecided_free_ = *region;
    require(pmemstream_region_free(stream_, {region->offset}) == 0, "region_free");
    std::uint64_t last = 0;
    for (const Slot &slot : region->slots)
        last = std::max(last, slot.timestamp);
    model_.freed.push_back({region->offset, region->size + header_size});
    const std::uint64_t offset = region->offset;
    model_.regions.erase(model_.regions.begin() + (region - model_.regions.data()));
    acknowledge(last);

    require_failure(pmemstream_region_free(stream_, {offset}), ENOENT, "freeing a region twice");
    require_equal(pmemstream_region_size(stream_, {offset}), 0, "the size of a freed region");
    require_failure(pmemstream_append(stream_, {offset}, nullptr, "x", 1, nullptr), ENOENT, "append to a freed region");
    require(pmemstream_entry_data(stream_, {offset + header_size}) == nullptr, "an entry of a freed region");
}

namespace {

template <typename Future>
void complete(Future &future)
{
    FUTURE_BUSY_POLL(&future);
    require_equal(static_cast<std::uint64_t>(future.output.error_code), 0, "a wait's error code");
}

} // namespace

void Session::wait(const Command &command, bool persisted)
{
    const std::uint64_t from = model_.acknowledged;
    const std::uint64_t timestamp = from + command.where % (model_.handed_out - from + 2);
    auto future = persisted ? pmemstream_async_wait_persisted(stream_, timestamp)
                            : pmemstream_async_wait_committed(stream_, timestamp);
    const bool never = timestamp > model_.handed_out;
    const bool held = first_held() != 0 && first_held() <= timestamp;
    if (never || held) {
        require(future_poll(FUTURE_AS_RUNNABLE(&future), nullptr) == FUTURE_STATE_RUNNING,
                "a wait for what cannot be committed yet goes on");
        // Dropped half polled: that hinders nobody.
        if (never || command.how % 2 == 0)
            return;
        release_copies();
    }
    complete(future);
    std::erase_if(copying_timestamps_, [&](std::uint64_t copying) { return copying <= timestamp; });
    if (persisted)
        acknowledge(timestamp);
}

} // namespace model
