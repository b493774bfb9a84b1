// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

#include "contenders/pmemstream.hpp"

#include "failure.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <utility>

namespace bench {
namespace {

// What an entry takes, as the header tells.
constexpr std::size_t footprint(std::size_t entry_size)
{
    return 16 + (entry_size + 7) / 8 * 8;
}

template <typename Derived>
class RegionLog : public LogLoops<Derived> {
public:
    explicit RegionLog(Region &region) : region_(region) {}
    std::uint64_t capacity(std::size_t size) const override { return region_.capacity(size); }
    void make_room(std::size_t size, std::uint64_t count) override { region_.make_room(size, count); }

protected:
    Region &region_;
};

class SyncAppends final : public RegionLog<SyncAppends> {
public:
    using RegionLog::RegionLog;

    void append_one(const std::byte *data, std::size_t size)
    {
        if (pmemstream_append(region_.stream(), region_.get(), region_.runtime(), data, size, nullptr) != 0)
            fail_in_pmemstream("append");
    }
};

class ReservePublish final : public RegionLog<ReservePublish> {
public:
    using RegionLog::RegionLog;

    void append_one(const std::byte *data, std::size_t size)
    {
        pmemstream_entry entry;
        void *place = nullptr;
        if (pmemstream_reserve(region_.stream(), region_.get(), region_.runtime(), size, &entry, &place) != 0)
            fail_in_pmemstream("reserve");
        std::memcpy(place, data, size);
        if (pmemstream_publish(region_.stream(), region_.get(), region_.runtime(), entry, size) != 0)
            fail_in_pmemstream("publish");
    }
};

class AsyncAppends final : public Log {
public:
    AsyncAppends(Region &region, std::uint64_t batch) : region_(region), batch_(batch) {}
    std::uint64_t capacity(std::size_t size) const override { return region_.capacity(size); }
    void make_room(std::size_t size, std::uint64_t count) override { region_.make_room(size, count); }

    void append(const std::byte *data, std::size_t size, std::uint64_t count) override
    {
        while (count != 0) {
            const std::uint64_t now = std::min(count, batch_);
            append_batch(data, size, now);
            count -= now;
        }
    }

    void append_stamped(const std::byte *data, std::size_t size, std::span<Ticks> stamps) override
    {
        for (Ticks &stamp : stamps) {
            append_batch(data, size, 1);
            stamp = ticks();
        }
    }

private:
    void append_batch(const std::byte *data, std::size_t size, std::uint64_t count)
    {
        pmemstream *const stream = region_.stream();
        pmemstream_entry entry = {PMEMSTREAM_INVALID_OFFSET};
        for (std::uint64_t i = 0; i < count; ++i)
            if (pmemstream_async_append(stream, nullptr, region_.get(), region_.runtime(), data, size, &entry) != 0)
                fail_in_pmemstream("async_append");
        auto wait = pmemstream_async_wait_persisted(stream, pmemstream_entry_timestamp(stream, entry));
        FUTURE_BUSY_POLL(&wait);
        if (FUTURE_OUTPUT(&wait)->error_code != 0)
            fail_in_pmemstream("async_wait_persisted");
    }

    Region &region_;
    std::uint64_t batch_;
};

} // namespace

void fail_in_pmemstream(const char *what)
{
    throw Failure(fmt::format("pmemstream_{}: {}", what, pmemstream_errormsg()));
}

Stream::Stream(Map map) : map_(std::move(map))
{
    if (pmemstream_from_map(&stream_, block_size, map_.get()) != 0)
        fail_in_pmemstream("from_map");
}

Stream::Stream(const Disk &disk) : directory_(disk.directory)
{
    const ForcedGranularity none("PAGE");
    pmemstream_options options = PMEMSTREAM_OPTIONS_INIT;
    options.size = disk.size;
    options.block_size = block_size;
    if (pmemstream_create((directory_->path() + "/stream").c_str(), &options, &stream_) != 0)
        fail_in_pmemstream("create");
    require(info().medium == PMEMSTREAM_MEDIUM_PAGE, "a file on a disk that is none");
}

Stream::~Stream()
{
    pmemstream_delete(&stream_);
}

pmemstream_info Stream::info() const
{
    pmemstream_info info;
    if (pmemstream_get_info(stream_, &info, sizeof info) != 0)
        fail_in_pmemstream("get_info");
    return info;
}

Region::Region(pmemstream *stream, std::size_t size) : stream_(stream), size_(size)
{
    allocate();
}

std::uint64_t Region::capacity(std::size_t entry_size) const
{
    return pmemstream_region_size(stream_, region_) / footprint(entry_size);
}

void Region::make_room(std::size_t entry_size, std::uint64_t count)
{
    if (pmemstream_region_usable_size(stream_, region_) / footprint(entry_size) >= count)
        return;
    if (pmemstream_region_free(stream_, region_) != 0)
        fail_in_pmemstream("region_free");
    allocate();
}

void Region::allocate()
{
    if (pmemstream_region_allocate(stream_, size_, &region_) != 0)
        fail_in_pmemstream("region_allocate");
    if (pmemstream_region_runtime_initialize(stream_, region_, &runtime_) != 0)
        fail_in_pmemstream("region_runtime_initialize");
}

LogPtr make_sync_appends(Region &region)
{
    return std::make_unique<SyncAppends>(region);
}

LogPtr make_reserve_publish(Region &region)
{
    return std::make_unique<ReservePublish>(region);
}

LogPtr make_async_appends(Region &region, std::uint64_t batch)
{
    return std::make_unique<AsyncAppends>(region, batch);
}

} // namespace bench
