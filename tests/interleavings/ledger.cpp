// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

#include "interleavings/ledger.hpp"

#include "base/checksum.hpp"

#include <algorithm>
#include <string_view>

namespace interleavings {
namespace {

using explorer::Entry;
using explorer::Obligations;
using explorer::Region;

// The entries of a region, matched with what was submitted to it: `write` is not yet known to be there.
void match(pmemstream *stream, const Region &region, std::size_t index, std::vector<Write> &unknown,
           std::vector<Entry> &entries)
{
    pmemstream_entry_iterator *iterator = nullptr;
    if (pmemstream_entry_iterator_new(&iterator, stream, {region.offset}) != 0)
        return; // which explorer::compare() tells
    for (pmemstream_entry_iterator_seek_first(iterator); pmemstream_entry_iterator_is_valid(iterator) == 0;
         pmemstream_entry_iterator_next(iterator)) {
        const pmemstream_entry entry = pmemstream_entry_iterator_get(iterator);
        const std::uint64_t size = pmemstream_entry_size(stream, entry);
        const std::string_view data(static_cast<const char *>(pmemstream_entry_data(stream, entry)), size);
        const auto write = std::ranges::find_if(unknown, [&](const Write &one) {
            return one.region == index && one.size == size && explorer::data_of(one.id, size) == data;
        });
        if (write == unknown.end())
            continue; // known, or submitted by nobody: then it is told as well
        entries.push_back({pmemstream_entry_timestamp(stream, entry), entry.offset, size, write->id, index});
        unknown.erase(write);
    }
    pmemstream_entry_iterator_delete(&iterator);
}

} // namespace

std::uint64_t Ledger::hash() const
{
    std::vector<std::uint64_t> all{acknowledged};
    for (const Region &region : regions)
        all.insert(all.end(), {region.offset, region.size, static_cast<std::uint64_t>(region.state)});
    std::uint64_t sum = pms::hash(all.data(), all.size() * sizeof all[0], 1);
    for (const Write &write : writes) {
        const std::uint64_t words[] = {write.id, write.region, static_cast<std::uint64_t>(write.state), write.timestamp,
                                       write.offset};
        sum += pms::hash(words, sizeof words, 2);
    }
    return sum;
}

std::uint64_t Ledger::submitted() const
{
    return static_cast<std::uint64_t>(
        std::ranges::count_if(writes, [](const Write &write) { return write.state != Write::State::refused; }));
}

std::string Ledger::compare(pmemstream *stream) const
{
    Obligations owed{regions, {}, acknowledged, space};
    std::vector<Write> unknown;
    for (const Write &write : writes) {
        if (write.state == Write::State::returned)
            owed.entries.push_back({write.timestamp, write.offset, write.size, write.id, write.region});
        else if (write.state == Write::State::under_way)
            unknown.push_back(write);
    }
    for (std::size_t index = 0; index < regions.size(); ++index)
        if (regions[index].state != Region::State::gone && regions[index].state != Region::State::being_allocated)
            match(stream, regions[index], index, unknown, owed.entries);
    std::ranges::sort(owed.entries, {}, &Entry::timestamp);
    for (std::size_t i = 1; i < owed.entries.size(); ++i)
        if (owed.entries[i - 1].timestamp == owed.entries[i].timestamp)
            return "two entries have timestamp " + std::to_string(owed.entries[i].timestamp);

    // Up to the end of the log each timestamp is somebody's. Of a region that is gone only the timestamps are left.
    const std::uint64_t persisted = pmemstream_persisted_timestamp(stream);
    for (std::uint64_t timestamp = 1; timestamp <= persisted; ++timestamp) {
        const auto place = std::ranges::lower_bound(owed.entries, timestamp, {}, &Entry::timestamp);
        if (place != owed.entries.end() && place->timestamp == timestamp)
            continue;
        const auto gone = std::ranges::find_if(unknown, [&](const Write &write) {
            const Region::State state = regions[write.region].state;
            return state == Region::State::gone || state == Region::State::being_freed;
        });
        if (gone == unknown.end())
            return "nobody has timestamp " + std::to_string(timestamp) + " in a log that ends at " +
                   std::to_string(persisted);
        owed.entries.insert(place, {timestamp, 0, gone->size, gone->id, gone->region});
        unknown.erase(gone);
    }
    return explorer::compare(stream, owed);
}

} // namespace interleavings
