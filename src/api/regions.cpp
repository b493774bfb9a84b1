// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// Regions, and the iterator over them.

#include "api/api.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <mutex>

using namespace pms;
using namespace pms::api;

// Stands on the region that had this generation when it came there.
struct pmemstream_region_iterator {
    Stream *stream;
    Region *region; // nullptr: nowhere
    std::uint64_t generation;

    bool valid() const noexcept { return region != nullptr && region->generation() == generation; }
    void go_behind(std::uint64_t last)
    {
        const RegionTable::Living next = stream->regions().after(last);
        region = next.region;
        generation = next.generation;
    }
};

namespace {

// Calls f with the live region at that offset, its lock held.
template <typename F>
Error with_region(pmemstream *handle, pmemstream_region given, F f)
{
    if (handle == nullptr)
        return Error::null_stream;
    Region *region = unwrap(handle)->find_region(given.offset);
    if (region == nullptr)
        return Error::no_region;
    const std::lock_guard guard(region->mutex());
    if (region->state() != Region::State::live || region->offset() != given.offset)
        return Error::no_region;
    return f(*region);
}

} // namespace

extern "C" {

int pmemstream_region_allocate(struct pmemstream *stream, size_t size, struct pmemstream_region *region)
{
    return call([&] {
        if (stream == nullptr)
            return Error::null_stream;
        if (region == nullptr)
            return Error::null_out;
        return unwrap(stream)->allocate(size, region->offset);
    });
}

int pmemstream_region_free(struct pmemstream *stream, struct pmemstream_region region)
{
    return call([&] { return stream == nullptr ? Error::null_stream : unwrap(stream)->free(region.offset); });
}

size_t pmemstream_region_size(struct pmemstream *stream, struct pmemstream_region region)
{
    return call_for(size_t{0}, [&](size_t &size) {
        return with_region(stream, region, [&](const Region &found) {
            size = found.size() - format::region_header_size;
            return Error::none;
        });
    });
}

size_t pmemstream_region_usable_size(struct pmemstream *stream, struct pmemstream_region region)
{
    return call_for(size_t{0}, [&](size_t &size) {
        return with_region(stream, region, [&](const Region &found) {
            size = found.usable_size();
            return Error::none;
        });
    });
}

int pmemstream_region_runtime_initialize(struct pmemstream *stream, struct pmemstream_region region,
                                         struct pmemstream_region_runtime **runtime)
{
    return call([&] {
        if (runtime == nullptr)
            return Error::null_out;
        return with_region(stream, region, [&](Region &found) {
            *runtime = wrap(&found);
            return Error::none;
        });
    });
}

int pmemstream_get_region_info(struct pmemstream *stream, struct pmemstream_region region,
                               struct pmemstream_region_info *info, size_t info_size)
{
    return call([&] {
        if (info == nullptr)
            return Error::null_out;
        if (info_size == 0)
            return Error::bad_info_size;
        return with_region(stream, region, [&](const Region &found) {
            const pmemstream_region_info full = {
                .generation = found.generation(),
                .size = found.size() - format::region_header_size,
                .usable_size = found.usable_size(),
                .data_offset = found.data_begin(),
                .end_offset = found.tail(),
                .limit_offset = found.limit(),
                .checkpoint_offset = found.checkpoint() == 0 ? PMEMSTREAM_INVALID_OFFSET : found.checkpoint(),
                .open_reservations = found.open_reservations(),
            };
            std::memset(static_cast<void *>(info), 0, info_size);
            std::memcpy(static_cast<void *>(info), &full, std::min(info_size, sizeof full));
            return Error::none;
        });
    });
}

int pmemstream_region_iterator_new(struct pmemstream_region_iterator **iterator, struct pmemstream *stream)
{
    return call([&] {
        if (iterator == nullptr)
            return Error::null_out;
        if (stream == nullptr)
            return Error::null_stream;
        *iterator = new pmemstream_region_iterator{unwrap(stream), nullptr, 0};
        return Error::none;
    });
}

int pmemstream_region_iterator_is_valid(struct pmemstream_region_iterator *iterator)
{
    if (iterator == nullptr)
        return api::fail(Error::null_iterator);
    return iterator->valid() ? 0 : api::fail(Error::no_region);
}

void pmemstream_region_iterator_seek_first(struct pmemstream_region_iterator *iterator)
{
    if (iterator != nullptr)
        iterator->go_behind(0);
}

void pmemstream_region_iterator_next(struct pmemstream_region_iterator *iterator)
{
    if (iterator != nullptr && iterator->valid())
        iterator->go_behind(iterator->generation);
}

struct pmemstream_region pmemstream_region_iterator_get(struct pmemstream_region_iterator *iterator)
{
    if (pmemstream_region_iterator_is_valid(iterator) != 0)
        return {PMEMSTREAM_INVALID_OFFSET};
    return {iterator->region->offset()};
}

void pmemstream_region_iterator_delete(struct pmemstream_region_iterator **iterator)
{
    if (iterator == nullptr)
        return;
    delete *iterator;
    *iterator = nullptr;
}

} // extern "C"
