// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

#include "view.hpp"

#include "base/checksum.hpp"
#include "check.hpp"

#include <algorithm>

namespace fuzz {
namespace {

bool inside(std::span<const std::byte> bytes, std::uint64_t offset, std::uint64_t size)
{
    return offset <= bytes.size() && size <= bytes.size() - offset;
}

SeenRegion see_region(pmemstream *stream, pmemstream_region region, std::span<const std::byte> bytes)
{
    pmemstream_region_info info{};
    check(pmemstream_get_region_info(stream, region, &info, sizeof info) == 0, "get_region_info");
    check(pmemstream_region_size(stream, region) == info.size, "region_size");
    check(pmemstream_region_usable_size(stream, region) == info.usable_size, "region_usable_size");
    check(inside(bytes, region.offset, info.size), "a region lies in the map");
    check(info.end_offset >= info.data_offset && info.end_offset <= info.data_offset + info.size,
          "a region's end lies in it");
    SeenRegion seen{region.offset, info.generation, {}, 0};
    pmemstream_entry_iterator *iterator = nullptr;
    check(pmemstream_entry_iterator_new(&iterator, stream, region) == 0, "entry_iterator_new");
    std::uint64_t end = info.data_offset;
    pmemstream_entry_iterator_seek_first(iterator);
    for (;;) {
        if (pmemstream_entry_iterator_is_valid(iterator) == 0) {
            const pmemstream_entry entry = pmemstream_entry_iterator_get(iterator);
            seen.entries.push_back(see_entry(stream, entry, bytes));
            check(entry.offset >= end, "an iterator goes forward, and entries do not overlap");
            end = entry.offset + 16 + seen.entries.back().size;
            pmemstream_entry_iterator_next(iterator);
        } else if (errno == EUCLEAN) {
            // Damage takes at least the place of a word.
            check(++seen.damages <= info.size / 8 + 1, "skipping damage comes to an end");
            check(pmemstream_entry_iterator_skip_damage(iterator) == 0, "skip_damage at damage");
        } else {
            check(errno == ENOENT, "errno at the end of a region");
            break;
        }
    }
    check(pmemstream_entry_iterator_get(iterator).offset == PMEMSTREAM_INVALID_OFFSET, "the entry at the end");
    check(pmemstream_entry_iterator_skip_damage(iterator) == -1, "skip_damage where there is none");
    pmemstream_entry_iterator_delete(&iterator);
    check(end <= info.end_offset, "entries end before their region does");
    return seen;
}

struct Reported {
    std::span<const std::byte> bytes;
    std::uint64_t count = 0;
};

int on_damage(const pmemstream_damage *damage, void *arg)
{
    auto *reported = static_cast<Reported *>(arg);
    ++reported->count;
    check(inside(reported->bytes, damage->offset, damage->size), "damage lies in the map");
    check(damage->what != nullptr && *damage->what != 0, "damage has a sentence");
    return 0;
}

} // namespace

SeenEntry see_entry(pmemstream *stream, pmemstream_entry entry, std::span<const std::byte> bytes)
{
    SeenEntry seen{entry.offset, pmemstream_entry_timestamp(stream, entry), pmemstream_entry_size(stream, entry), 0};
    const auto *data = static_cast<const std::byte *>(pmemstream_entry_data(stream, entry));
    check(data == bytes.data() + entry.offset + 16, "an entry's data lies behind its header");
    check(inside(bytes, entry.offset + 16, seen.size), "an entry lies in the map");
    check(seen.timestamp != 0, "an entry has a timestamp");
    seen.hash = pms::hash(data, seen.size, 0);
    return seen;
}

std::vector<SeenEntry> entries_of(const View &seen)
{
    std::vector<SeenEntry> entries;
    for (const SeenRegion &region : seen)
        entries.insert(entries.end(), region.entries.begin(), region.entries.end());
    return entries;
}

View places(View seen)
{
    for (SeenRegion &region : seen)
        for (SeenEntry &entry : region.entries)
            entry.hash = 0;
    return seen;
}

View regions(View seen)
{
    for (SeenRegion &region : seen) {
        region.entries.clear();
        region.damages = 0;
    }
    return seen;
}

bool contains(const View &seen, const std::vector<SeenEntry> &entries)
{
    const std::vector<SeenEntry> found = entries_of(seen);
    return std::ranges::all_of(entries,
                               [&](const SeenEntry &entry) { return std::ranges::find(found, entry) != found.end(); });
}

View view(pmemstream *stream, std::span<const std::byte> bytes)
{
    View seen;
    pmemstream_region_iterator *iterator = nullptr;
    check(pmemstream_region_iterator_new(&iterator, stream) == 0, "region_iterator_new");
    pmemstream_region_iterator_seek_first(iterator);
    for (; pmemstream_region_iterator_is_valid(iterator) == 0; pmemstream_region_iterator_next(iterator)) {
        seen.push_back(see_region(stream, pmemstream_region_iterator_get(iterator), bytes));
        check(seen.size() <= bytes.size() / 64, "there are no more regions than fit");
    }
    pmemstream_region_iterator_delete(&iterator);
    return seen;
}

void check_reports(pmemstream *stream, std::span<const std::byte> bytes)
{
    pmemstream_info info{};
    check(pmemstream_get_info(stream, &info, sizeof info) == 0, "get_info");
    check(info.size == bytes.size(), "a stream is as large as its map");
    check(info.persisted_timestamp <= info.committed_timestamp, "what is persisted is committed");
    check(info.metadata_size <= info.size && info.free_size <= info.size - info.metadata_size,
          "there is no more free space than space");
    check(info.largest_free_size <= info.free_size, "the largest free size is free");

    pmemstream_dropped_entry dropped{};
    for (std::uint64_t n = 0; n < info.dropped_entries; ++n) {
        check(pmemstream_get_dropped_entry(stream, n, &dropped) == 0, "get_dropped_entry");
        check(inside(bytes, dropped.entry.offset, 16) && inside(bytes, dropped.entry.offset + 16, dropped.size),
              "a dropped entry was in the map");
    }
    check(pmemstream_get_dropped_entry(stream, info.dropped_entries, &dropped) == -1 && errno == ENOENT,
          "there are no more dropped entries than told");

    Reported reported{bytes};
    pmemstream_verify_result result{};
    check(pmemstream_verify(stream, on_damage, &reported, &result) == 0, "verify");
    check(result.damages == reported.count, "verify counts what it reports");
    check(result.bytes <= bytes.size(), "verify counts bytes once");
}

} // namespace fuzz
