// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// Streams: opening, closing, and what they tell about themselves.

#include "api/api.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <memory>

using namespace pms;
using namespace pms::api;

extern "C" {

int pmemstream_from_map(struct pmemstream **stream, size_t block_size, struct pmem2_map *map)
{
    if (stream == nullptr)
        return api::fail(Error::null_out);
    *stream = nullptr;
    return call([&] {
        if (map == nullptr)
            return Error::null_map;
        if (block_size == 0)
            return Error::bad_block_size;
        Medium medium(map);
        if (std::getenv("PMEMSTREAM_PREFAULT_AT_OPEN") != nullptr)
            medium.prefault();
        std::unique_ptr<Stream> opened;
        const Error error = Stream::open(medium, block_size, Stream::IfEmpty::format, {}, opened);
        *stream = wrap(opened.release());
        return error;
    });
}

void pmemstream_delete(struct pmemstream **stream)
{
    if (stream == nullptr)
        return;
    const int before = errno;
    delete unwrap(*stream);
    *stream = nullptr;
    errno = before;
}

int pmemstream_get_info(struct pmemstream *handle, struct pmemstream_info *info, size_t info_size)
{
    return call([&] {
        if (handle == nullptr)
            return Error::null_stream;
        if (info == nullptr)
            return Error::null_out;
        if (info_size == 0)
            return Error::bad_info_size;
        const Stream &stream = *unwrap(handle);
        pmemstream_info full = {};
        std::ranges::copy(stream.geometry().uuid, full.uuid);
        full.format_version = format::version;
        full.medium = static_cast<pmemstream_medium>(stream.medium().granularity());
        full.read_only = stream.options().read_only;
        full.was_clean = stream.opening().was_clean;
        full.size = stream.size();
        full.block_size = stream.geometry().block_size;
        full.metadata_size = stream.geometry().metadata_size;
        full.region_count = stream.regions().size();
        full.free_size = stream.free_size();
        full.largest_free_size = stream.largest_allocation();
        full.persisted_timestamp = stream.persisted_now();
        full.committed_timestamp = stream.committed();
        full.recovered_entries = stream.opening().recovered_entries;
        full.dropped_entries = stream.opening().dropped.size();
        full.damage_count = stream.opening().damages;
        full.durability = stream.durability() == format::Durability::process ? PMEMSTREAM_DURABILITY_PROCESS
                                                                             : PMEMSTREAM_DURABILITY_SYNC;
        std::memset(static_cast<void *>(info), 0, info_size);
        std::memcpy(static_cast<void *>(info), &full, std::min(info_size, sizeof full));
        return Error::none;
    });
}

int pmemstream_get_dropped_entry(struct pmemstream *stream, uint64_t n, struct pmemstream_dropped_entry *dropped)
{
    return call([&] {
        if (stream == nullptr)
            return Error::null_stream;
        if (dropped == nullptr)
            return Error::null_out;
        const auto &all = unwrap(stream)->opening().dropped;
        if (n >= all.size())
            return Error::no_such_index;
        const Dropped &one = all[n];
        *dropped = {{one.region}, {one.record.offset}, one.record.timestamp, one.record.size};
        return Error::none;
    });
}

int pmemstream_verify(struct pmemstream *stream, pmemstream_damage_fn on_damage, void *arg,
                      struct pmemstream_verify_result *result)
{
    return call([&] {
        if (stream == nullptr)
            return Error::null_stream;
        Stream::Verified verified;
        const auto report = [&](const Damage &damage) {
            const pmemstream_damage told = {damage.offset, damage.size, {damage.region}, damage.timestamp, damage.what};
            return on_damage == nullptr || on_damage(&told, arg) == 0;
        };
        const Error error = unwrap(stream)->verify(report, verified);
        if (!failed(error) && result != nullptr)
            *result = {verified.entries, verified.bytes, verified.damages};
        return error;
    });
}

} // extern "C"
