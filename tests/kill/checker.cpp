// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

#include "checker.hpp"

#include <algorithm>
#include <set>

namespace kill_test {
namespace {

void require(bool holds, const std::string &what)
{
    if (!holds)
        throw Lost(what + " [" + pmemstream_errormsg() + "]");
}

std::string name_of(const Key &key)
{
    return "entry " + std::to_string(key.number) + " of writer " + std::to_string(key.writer) + " in round " +
           std::to_string(key.round);
}

// What became of the life with this id in the round.
std::uint32_t state_of(const Shared &shared, std::uint32_t id)
{
    for (std::uint32_t place = 0; place < shared.life_count; ++place)
        if (shared.lives[place].id == id)
            return shared.lives[place].state;
    return Life::none;
}

} // namespace

void Checker::begin(Shared &shared) const
{
    std::uint32_t place = 0;
    for (const auto &[id, region] : regions_) {
        shared.lives[place].id = id;
        shared.lives[place].offset = region.offset;
        shared.lives[place++].state = Life::live;
    }
    shared.inherited = place;
    shared.life_count = place;
    shared.first_life = next_life_;
}

void Checker::check(const char *path, const Shared &shared)
{
    pmemstream *stream = nullptr;
    require(pmemstream_open(path, nullptr, &stream) == 0, "open after the kill");
    pmemstream_info info{};
    pmemstream_verify_result verified{};
    require(pmemstream_get_info(stream, &info, sizeof info) == 0 && info.damage_count == 0, "opening finds damage");
    require(pmemstream_verify(stream, nullptr, nullptr, &verified) == 0 && verified.damages == 0,
            "verifying finds damage");
    const std::uint64_t end = pmemstream_persisted_timestamp(stream);
    require(end >= end_, "timestamps went back");
    require(end == pmemstream_committed_timestamp(stream), "something is committed and not persisted");

    check_space(stream);
    Regions regions;
    Entries found;
    read(stream, regions, found);
    require(verified.entries == found.size(), "verifying counts every entry");
    check_lives(regions, shared);
    check_earlier(found, shared);
    check_round(found, end, shared);
    regions_ = std::move(regions);
    known_ = std::move(found);
    end_ = end;
    next_life_ = shared.first_life + shared.life_count;
    pmemstream_delete(&stream);
    require(stream == nullptr, "close");
}

// Regions are disjoint, and every byte is a region's or free.
void Checker::check_space(pmemstream *stream) const
{
    pmemstream_info info{};
    require(pmemstream_get_info(stream, &info, sizeof info) == 0, "get_info");
    std::map<std::uint64_t, std::uint64_t> spans; // offset -> end
    std::uint64_t used = 0;
    std::uint64_t generation = 0;
    pmemstream_region_iterator *regions = nullptr;
    require(pmemstream_region_iterator_new(&regions, stream) == 0, "region_iterator_new");
    pmemstream_region_iterator_seek_first(regions);
    for (; pmemstream_region_iterator_is_valid(regions) == 0; pmemstream_region_iterator_next(regions)) {
        const pmemstream_region region = pmemstream_region_iterator_get(regions);
        pmemstream_region_info one{};
        require(pmemstream_get_region_info(stream, region, &one, sizeof one) == 0, "get_region_info");
        const std::uint64_t end = one.data_offset + one.size;
        require(region.offset >= info.metadata_size && end <= info.size, "a region is outside");
        require(one.data_offset <= one.end_offset && one.end_offset + one.usable_size == end, "a region's bounds");
        require(one.open_reservations == 0, "a reservation is open");
        require(one.generation > generation, "generations do not rise");
        generation = one.generation;
        spans[region.offset] = end;
        used += end - region.offset;
    }
    pmemstream_region_iterator_delete(&regions);
    std::uint64_t behind = 0;
    for (const auto &[begin, end] : spans) {
        require(begin >= behind, "regions overlap");
        behind = end;
    }
    require(spans.size() == info.region_count, "the number of regions");
    require(used + info.free_size == info.size - info.metadata_size, "space was lost");
}

void Checker::read(pmemstream *stream, Regions &regions, Entries &entries) const
{
    std::vector<pmemstream_region> spare;
    pmemstream_region_iterator *iterator = nullptr;
    require(pmemstream_region_iterator_new(&iterator, stream) == 0, "region_iterator_new");
    pmemstream_region_iterator_seek_first(iterator);
    for (; pmemstream_region_iterator_is_valid(iterator) == 0; pmemstream_region_iterator_next(iterator)) {
        const pmemstream_region region = pmemstream_region_iterator_get(iterator);
        pmemstream_region_info info{};
        require(pmemstream_get_region_info(stream, region, &info, sizeof info) == 0, "get_region_info");
        std::uint32_t life = 0;
        pmemstream_entry_iterator *in_region = nullptr;
        require(pmemstream_entry_iterator_new(&in_region, stream, region) == 0, "entry_iterator_new");
        pmemstream_entry_iterator_seek_first(in_region);
        for (; pmemstream_entry_iterator_is_valid(in_region) == 0; pmemstream_entry_iterator_next(in_region)) {
            const pmemstream_entry entry = pmemstream_entry_iterator_get(in_region);
            const auto *data = static_cast<const std::byte *>(pmemstream_entry_data(stream, entry));
            const std::size_t size = pmemstream_entry_size(stream, entry);
            Key key{};
            require(data != nullptr && size >= sizeof key, "an entry is too small");
            std::memcpy(&key, data, sizeof key);
            const std::vector<std::byte> bytes = key.bytes();
            require(key.writer < writers && size == bytes.size() && std::equal(bytes.begin(), bytes.end(), data),
                    "the bytes of " + name_of(key));
            require(life == 0 || life == key.life, name_of(key) + " is in another region");
            life = key.life;
            const std::uint64_t timestamp = pmemstream_entry_timestamp(stream, entry);
            require(entries.emplace(timestamp, key).second, "a timestamp is there twice");
        }
        pmemstream_entry_iterator_delete(&in_region);
        if (life == 0)
            spare.push_back(region); // nothing tells which life it is, and nothing is lost with it
        else
            require(regions.emplace(life, Region{region.offset, info.generation}).second, "a region is there twice");
    }
    pmemstream_region_iterator_delete(&iterator);
    for (const pmemstream_region region : spare)
        require(pmemstream_region_free(stream, region) == 0, "region_free");
}

void Checker::check_lives(const Regions &regions, const Shared &shared) const
{
    for (const auto &[id, region] : regions) {
        const std::uint32_t state = state_of(shared, id);
        require(state == Life::live || state == Life::freeing, "a freed region is there again");
        const auto before = regions_.find(id);
        require(before == regions_.end() ||
                    (before->second.offset == region.offset && before->second.generation == region.generation),
                "a region is another one now");
    }
}

// What was there before the round is there, unless its region was freed.
void Checker::check_earlier(const Entries &found, const Shared &shared) const
{
    for (const auto &[timestamp, key] : known_) {
        const auto same = found.find(timestamp);
        const bool there = same != found.end() && same->second == key;
        const std::uint32_t state = state_of(shared, key.life);
        require(there || state != Life::live, name_of(key) + ", recovered before, is lost");
        require(!there || state != Life::freed, name_of(key) + ", freed before, is there again");
    }
}

void Checker::check_round(const Entries &found, std::uint64_t end, const Shared &shared)
{
    std::map<std::uint32_t, std::uint64_t> there[writers]; // number -> timestamp
    for (const auto &[timestamp, key] : found) {
        require(timestamp <= end, "an entry has a timestamp behind the last");
        if (key.round != shared.round) {
            require(known_.contains(timestamp), name_of(key) + ", lost before, is there again");
            continue;
        }
        require(timestamp > end_, name_of(key) + " has a timestamp of an earlier round");
        require(there[key.writer].emplace(key.number, timestamp).second, name_of(key) + " is there twice");
        ++recovered;
    }
    std::uint64_t in_freed = 0; // entries that may have gone with their regions
    for (int i = 0; i < writers; ++i) {
        const Progress &writer = shared.writer[i];
        const std::string of = " of writer " + std::to_string(i);
        for (std::uint32_t number = 1; number <= writer.begun; ++number) {
            const bool lives = shared.lives[writer.life[number]].state == Life::live;
            in_freed += !lives;
            if (!lives || number > writer.acknowledged)
                continue;
            ++acknowledged;
            require(there[i].contains(number), "acknowledged entry " + std::to_string(number) + of + " is lost");
        }
        for (const auto &[number, timestamp] : there[i]) {
            require(number <= writer.begun, "entry " + std::to_string(number) + of + " was never written");
            const Life &life = shared.lives[writer.life[number]];
            require(found.at(timestamp).life == life.id, "entry " + std::to_string(number) + of + " has another life");
            const std::uint64_t logged = writer.timestamps[number];
            require(logged == 0 || logged == timestamp || life.state != Life::live,
                    "the timestamp of entry " + std::to_string(number) + of);
        }
    }
    std::uint64_t missing = 0;
    for (std::uint64_t timestamp = end_ + 1; timestamp <= end; ++timestamp)
        missing += !found.contains(timestamp);
    require(missing <= in_freed, std::to_string(missing) + " timestamps are missing, and only " +
                                     std::to_string(in_freed) + " entries were in regions that were freed");
    for (std::uint32_t place = 0; place < shared.life_count; ++place)
        freed += shared.lives[place].state == Life::freed;
    closes += shared.closes;
}

} // namespace kill_test
