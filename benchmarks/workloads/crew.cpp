// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

#include "workloads/crew.hpp"

#include "contenders/floor.hpp"
#include "contenders/peers.hpp"
#include "workloads/contest.hpp"

#include <algorithm>
#include <atomic>
#include <thread>
#include <utility>

namespace bench {
namespace {

// How many entries a thread takes at a time of those that are left to do.
constexpr std::uint64_t largest_share = 16;
// How many times its part a thread may do. Its log has room for that.
constexpr std::uint64_t most_of_one_thread = 4;

// Of a region, where `most_threads` share the stream.
std::size_t shared_region_size(const Stream &stream)
{
    constexpr std::size_t header = 64;
    return (stream.largest_region_size() + header) / most_threads / Stream::block_size * Stream::block_size - header;
}

} // namespace

std::shared_ptr<Logs> Logs::own_regions(const Medium &medium)
{
    return own_regions(std::make_unique<Stream>(map_touched(medium)));
}

std::shared_ptr<Logs> Logs::own_regions(const Disk &disk)
{
    return own_regions(std::make_unique<Stream>(disk));
}

std::shared_ptr<Logs> Logs::own_regions(std::unique_ptr<Stream> stream)
{
    auto logs = std::make_shared<Logs>();
    logs->stream_ = std::move(stream);
    const std::size_t size = shared_region_size(*logs->stream_);
    for (unsigned i = 0; i < most_threads; ++i) {
        logs->regions_.push_back(std::make_unique<Region>(logs->stream_->get(), size));
        logs->logs_.push_back(make_sync_appends(*logs->regions_.back()));
    }
    return logs;
}

std::shared_ptr<Logs> Logs::one_region(const Medium &medium)
{
    return one_region(std::make_unique<Stream>(map_touched(medium)));
}

std::shared_ptr<Logs> Logs::one_region(const Disk &disk)
{
    return one_region(std::make_unique<Stream>(disk));
}

std::shared_ptr<Logs> Logs::one_region(std::unique_ptr<Stream> stream)
{
    auto logs = std::make_shared<Logs>();
    logs->stream_ = std::move(stream);
    logs->regions_.push_back(std::make_unique<Region>(logs->stream_->get(), logs->stream_->largest_region_size()));
    logs->logs_.push_back(make_sync_appends(*logs->regions_.back()));
    return logs;
}

std::shared_ptr<Logs> Logs::floor(const Medium &medium)
{
    auto logs = std::make_shared<Logs>();
    logs->map_ = map_touched(medium);
    const std::size_t size = medium.size / most_threads;
    for (unsigned i = 0; i < most_threads; ++i)
        logs->logs_.push_back(make_floor(logs->map_.get(), i * size, size, FloorStores::packed_16));
    return logs;
}

std::shared_ptr<Logs> Logs::pmemlog_own(const Medium &medium)
{
    if (!has_pmemlog())
        return nullptr;
    auto logs = std::make_shared<Logs>();
    Medium share = medium;
    share.size = std::max(medium.size / most_threads, smallest_pmemlog);
    for (unsigned i = 0; i < most_threads; ++i)
        logs->logs_.push_back(make_pmemlog(share));
    return logs;
}

std::shared_ptr<Logs> Logs::pmemlog_one(const Medium &medium)
{
    return has_pmemlog() ? one(make_pmemlog(medium)) : nullptr;
}

std::shared_ptr<Logs> Logs::one(LogPtr log)
{
    auto logs = std::make_shared<Logs>();
    logs->logs_.push_back(std::move(log));
    return logs;
}

Crew::Crew(std::shared_ptr<Logs> logs, std::shared_ptr<Team> team) : logs_(std::move(logs)), team_(std::move(team)) {}

Runner Crew::runner(const std::string &name, std::size_t size)
{
    const bool one_log = logs_->used_by(threads()) == 1;
    return runner(name, size, one_log ? 1 : most_of_one_thread, [this, size, one_log](std::uint64_t count) {
        const std::uint64_t all = count * threads();
        const std::uint64_t share = std::min(count, largest_share);
        const std::uint64_t most = one_log ? UINT64_MAX : count * most_of_one_thread;
        std::atomic<std::uint64_t> taken = 0;
        return team_->run([&](unsigned thread) {
            for (std::uint64_t own = 0; own <= most - share; own += share) {
                const std::uint64_t begin = taken.fetch_add(share, std::memory_order_relaxed);
                if (begin >= all)
                    return;
                logs_->of(thread).append(entry_data(), size, std::min(share, all - begin));
            }
        });
    });
}

Runner Crew::runner(const std::string &name, std::size_t size, Work work)
{
    return runner(name, size, 1, [this, work = std::move(work)](std::uint64_t count) {
        return team_->run([&](unsigned thread) { work(thread, logs_->of(thread), count); });
    });
}

Runner Crew::runner(const std::string &name, std::size_t size, std::uint64_t room,
                    std::function<double(std::uint64_t)> run)
{
    const unsigned used = logs_->used_by(threads());
    const std::uint64_t room_each = threads() / used * room;
    // With more threads than cores each shall still work as long as one alone.
    const unsigned cores = std::max(1U, std::thread::hardware_concurrency());
    return {.name = name,
            .capacity = logs_->of(0).capacity(size) / room_each,
            .prepare =
                [this, size, used, room_each](std::uint64_t count) {
                    for (unsigned i = 0; i < used; ++i)
                        logs_->of(i).make_room(size, count * room_each);
                },
            .run = std::move(run),
            .entries = threads(),
            .slices = std::max(1.0, static_cast<double>(threads()) / cores)};
}

} // namespace bench
