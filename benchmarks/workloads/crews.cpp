// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

#include "workloads/crews.hpp"

#include "workloads/contest.hpp"

#include <algorithm>
#include <thread>
#include <utility>

namespace bench {
namespace {

// Of a region, where so many share the stream.
std::size_t region_size(const Stream &stream, unsigned regions)
{
    constexpr std::size_t header = 64;
    return (stream.largest_region_size() + header) / regions / Stream::block_size * Stream::block_size - header;
}

} // namespace

std::unique_ptr<Crew> Crew::own_regions(const Medium &medium, unsigned threads)
{
    std::unique_ptr<Crew> crew(new Crew(threads));
    crew->stream_ = std::make_unique<Stream>(map_touched(medium));
    const std::size_t size = region_size(*crew->stream_, threads);
    for (unsigned i = 0; i < threads; ++i) {
        crew->regions_.push_back(std::make_unique<Region>(crew->stream_->get(), size));
        crew->logs_.push_back(make_sync_appends(*crew->regions_.back()));
    }
    return crew;
}

std::unique_ptr<Crew> Crew::one_region(const Medium &medium, unsigned threads)
{
    std::unique_ptr<Crew> crew(new Crew(threads));
    crew->stream_ = std::make_unique<Stream>(map_touched(medium));
    crew->regions_.push_back(std::make_unique<Region>(crew->stream_->get(), region_size(*crew->stream_, 1)));
    crew->logs_.push_back(make_sync_appends(*crew->regions_.back()));
    return crew;
}

std::unique_ptr<Crew> Crew::floor(const Medium &medium, unsigned threads)
{
    std::unique_ptr<Crew> crew(new Crew(threads));
    crew->map_ = map_touched(medium);
    const std::size_t size = medium.size / threads;
    for (unsigned i = 0; i < threads; ++i)
        crew->logs_.push_back(make_floor(crew->map_.get(), i * size, size, FloorStores::packed_16));
    return crew;
}

std::unique_ptr<Crew> Crew::pmemlog_own(const Medium &medium, unsigned threads)
{
    std::unique_ptr<Crew> crew(new Crew(threads));
    Medium share = medium;
    share.size = std::max(medium.size / threads, smallest_pmemlog);
    for (unsigned i = 0; i < threads; ++i) {
        crew->logs_.push_back(make_pmemlog(share));
        if (!crew->logs_.back())
            return nullptr;
    }
    return crew;
}

std::unique_ptr<Crew> Crew::pmemlog_one(const Medium &medium, unsigned threads)
{
    std::unique_ptr<Crew> crew(new Crew(threads));
    crew->logs_.push_back(make_pmemlog(medium));
    return crew->logs_.back() ? std::move(crew) : nullptr;
}

std::unique_ptr<Crew> Crew::alone(LogPtr log)
{
    std::unique_ptr<Crew> crew(new Crew(1));
    crew->logs_.push_back(std::move(log));
    return crew;
}

Runner Crew::runner(const std::string &name, std::size_t size)
{
    return runner(name, size,
                  [size](unsigned, Log &log, std::uint64_t count) { log.append(entry_data(), size, count); });
}

Runner Crew::runner(const std::string &name, std::size_t size, Work work)
{
    // With more threads than cores each shall still work as long as one alone.
    const unsigned cores = std::max(1U, std::thread::hardware_concurrency());
    return {.name = name,
            .capacity = logs_[0]->capacity(size) / threads_per_log(),
            .prepare =
                [this, size](std::uint64_t count) {
                    for (const LogPtr &log : logs_)
                        log->make_room(size, count * threads_per_log());
                },
            .run =
                [this, work = std::move(work)](std::uint64_t count) {
                    return team_.run([&](unsigned thread) { work(thread, log_of(thread), count); });
                },
            .entries = threads(),
            .slices = std::max(1.0, static_cast<double>(threads()) / cores)};
}

} // namespace bench
