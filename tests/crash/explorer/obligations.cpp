// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

#include "crash/explorer/obligations.hpp"

#include "base/checksum.hpp"

#include <algorithm>
#include <cstring>
#include <memory>

namespace explorer {
namespace {

struct DeleteRegions {
    void operator()(pmemstream_region_iterator *iterator) const { pmemstream_region_iterator_delete(&iterator); }
};
struct DeleteEntries {
    void operator()(pmemstream_entry_iterator *iterator) const { pmemstream_entry_iterator_delete(&iterator); }
};

std::string text(const char *what, std::uint64_t number)
{
    return std::string(what) + ' ' + std::to_string(number);
}

std::string compare_entries(pmemstream *stream, const Obligations &obligations, std::size_t index,
                            std::uint64_t persisted, bool may_hold)
{
    const Region &region = obligations.regions[index];
    pmemstream_entry_iterator *made = nullptr;
    if (pmemstream_entry_iterator_new(&made, stream, {region.offset}) != 0)
        return text("no iterator for the region at", region.offset);
    const std::unique_ptr<pmemstream_entry_iterator, DeleteEntries> iterator(made);
    pmemstream_region_info info{};
    if (pmemstream_get_region_info(stream, {region.offset}, &info, sizeof info) != 0)
        return text("no information on the region at", region.offset);
    std::size_t found = 0;
    std::uint64_t last_offset = 0;
    std::uint64_t end = info.data_offset;
    for (pmemstream_entry_iterator_seek_first(made); pmemstream_entry_iterator_is_valid(made) == 0;
         pmemstream_entry_iterator_next(made)) {
        const pmemstream_entry entry = pmemstream_entry_iterator_get(made);
        const std::uint64_t timestamp = pmemstream_entry_timestamp(stream, entry);
        const std::size_t size = pmemstream_entry_size(stream, entry);
        const auto *data = static_cast<const char *>(pmemstream_entry_data(stream, entry));
        const auto owed = std::ranges::lower_bound(obligations.entries, timestamp, {}, &Entry::timestamp);
        if (!may_hold || owed == obligations.entries.end() || owed->timestamp != timestamp || owed->region != index)
            return text("an entry that nobody submitted, timestamp", timestamp);
        if (timestamp > persisted)
            return text("an entry behind the end of the log, timestamp", timestamp);
        if (entry.offset != owed->offset || size != owed->size || data == nullptr ||
            std::string_view(data, size) != data_of(owed->id, size))
            return text("an entry that is not as it was submitted, timestamp", timestamp);
        if (entry.offset <= last_offset)
            return "entries out of the order of their offsets";
        last_offset = entry.offset;
        end = entry.offset + 16 + (size + 7) / 8 * 8;
        ++found;
    }
    if (errno == EUCLEAN)
        return damage_reported + text(" in the region at", region.offset);
    const auto owed = static_cast<std::size_t>(std::ranges::count_if(obligations.entries, [&](const Entry &entry) {
        return entry.region == index && entry.timestamp <= persisted;
    }));
    if (may_hold && found != owed)
        return text("entries are missing in the region at", region.offset);
    if (info.open_reservations == 0 && info.end_offset != end)
        return text("the region's last entry has something behind it, in the region at", region.offset);
    return {};
}

} // namespace

std::uint64_t Obligations::hash() const
{
    std::vector<std::uint64_t> all{acknowledged, space, space_after_growth};
    for (const Region &region : regions)
        all.insert(all.end(), {region.offset, region.size, static_cast<std::uint64_t>(region.state)});
    for (const Entry &entry : entries)
        all.insert(all.end(), {entry.timestamp, entry.offset, entry.size, entry.id, entry.region});
    return pms::hash(all.data(), all.size() * sizeof all[0], 1);
}

void Obligations::reopened(std::uint64_t persisted)
{
    acknowledged = persisted;
    std::erase_if(entries, [&](const Entry &entry) { return entry.timestamp > persisted; });
}

std::string data_of(std::uint64_t id, std::uint64_t size)
{
    // Data may look like the format's own marks: a word of ones does.
    std::string data(size, '\xff');
    for (std::uint64_t done = size < 16 ? 0 : 8; done < size; done += 8) {
        const std::uint64_t word = (id + 1) * 0x9e3779b97f4a7c15 + done;
        std::memcpy(data.data() + done, &word, std::min<std::uint64_t>(8, size - done));
    }
    return data;
}

std::string compare(pmemstream *stream, Obligations &obligations)
{
    pmemstream_info info{};
    if (pmemstream_get_info(stream, &info, sizeof info) != 0)
        return "no information";
    if (info.damage_count != 0)
        return damage_reported + std::string(" when opening");
    const std::uint64_t persisted = pmemstream_persisted_timestamp(stream);
    if (pmemstream_committed_timestamp(stream) < persisted)
        return "persisted, but not committed";
    if (persisted < obligations.acknowledged)
        return text("the log ends before what was acknowledged, at timestamp", persisted);
    if (persisted > obligations.last_timestamp())
        return text("the log ends behind all that was submitted, at timestamp", persisted);

    pmemstream_region_iterator *made = nullptr;
    if (pmemstream_region_iterator_new(&made, stream) != 0)
        return "no iterator for regions";
    const std::unique_ptr<pmemstream_region_iterator, DeleteRegions> iterator(made);
    std::uint64_t used = 0;
    std::size_t next = 0; // of the regions owed
    std::vector<std::pair<std::uint64_t, std::uint64_t>> places;
    for (pmemstream_region_iterator_seek_first(made); pmemstream_region_iterator_is_valid(made) == 0;
         pmemstream_region_iterator_next(made)) {
        const pmemstream_region found = pmemstream_region_iterator_get(made);
        const std::size_t size = pmemstream_region_size(stream, found);
        used += size + 64;
        places.emplace_back(found.offset, found.offset + size + 64);
        // Those that may have gone are passed over.
        for (; next < obligations.regions.size(); ++next) {
            Region &owed = obligations.regions[next];
            if (owed.state == Region::State::gone)
                continue;
            if (owed.state == Region::State::being_allocated) {
                owed.offset = found.offset;
                owed.size = size;
            }
            if (owed.offset == found.offset)
                break;
            if (owed.state == Region::State::live)
                return text("a region is missing, at", owed.offset);
            owed.state = Region::State::gone;
        }
        if (next == obligations.regions.size())
            return text("a region that nobody allocated, at", found.offset);
        Region &owed = obligations.regions[next];
        if (size != owed.size)
            return text("a region of another size, at", found.offset);
        if (std::string wrong =
                compare_entries(stream, obligations, next, persisted, owed.state != Region::State::being_allocated);
            !wrong.empty())
            return wrong;
        owed.state = Region::State::live;
        ++next;
    }
    for (; next < obligations.regions.size(); ++next) {
        if (obligations.regions[next].state == Region::State::live)
            return text("a region is missing, at", obligations.regions[next].offset);
        obligations.regions[next].state = Region::State::gone;
    }

    std::ranges::sort(places);
    for (std::size_t i = 1; i < places.size(); ++i)
        if (places[i - 1].second > places[i].first)
            return "two regions overlap";
    if (!places.empty() && (places.front().first < info.metadata_size || places.back().second > info.size))
        return "a region is not inside the stream";
    const std::uint64_t space = used + info.free_size;
    if (space != obligations.space && space != obligations.space_after_growth)
        return "space was lost or made";
    obligations.space = obligations.space_after_growth = space;
    return {};
}

} // namespace explorer
