// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

#include "checker.hpp"

#include <algorithm>

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

} // namespace

void Checker::check(const char *path, Shared &shared)
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

    std::uint64_t before[writers];
    std::copy(std::begin(generation_), std::end(generation_), std::begin(before));
    const Entries found = read(stream, shared);
    require(verified.entries >= found.size(), "verifying counts every entry");
    std::swap_ranges(std::begin(before), std::end(before), std::begin(generation_));
    check_earlier(found, shared);
    check_round(found, end, shared);
    std::copy(std::begin(before), std::end(before), std::begin(generation_));
    known_ = found;
    end_ = end;
    pmemstream_delete(&stream);
}

Checker::Entries Checker::read(pmemstream *stream, Shared &shared)
{
    Entries entries;
    std::vector<pmemstream_region> spare;
    std::fill(std::begin(generation_), std::end(generation_), 0);
    for (Progress &writer : shared.writer)
        writer.region = UINT64_MAX;
    pmemstream_region_iterator *regions = nullptr;
    require(pmemstream_region_iterator_new(&regions, stream) == 0, "region_iterator_new");
    pmemstream_region_iterator_seek_first(regions);
    for (; pmemstream_region_iterator_is_valid(regions) == 0; pmemstream_region_iterator_next(regions)) {
        const pmemstream_region region = pmemstream_region_iterator_get(regions);
        pmemstream_region_info info{};
        require(pmemstream_get_region_info(stream, region, &info, sizeof info) == 0, "get_region_info");
        std::uint32_t owner = writers;
        pmemstream_entry_iterator *iterator = nullptr;
        require(pmemstream_entry_iterator_new(&iterator, stream, region) == 0, "entry_iterator_new");
        pmemstream_entry_iterator_seek_first(iterator);
        for (; pmemstream_entry_iterator_is_valid(iterator) == 0; pmemstream_entry_iterator_next(iterator)) {
            const pmemstream_entry entry = pmemstream_entry_iterator_get(iterator);
            const auto *data = static_cast<const std::byte *>(pmemstream_entry_data(stream, entry));
            const std::size_t size = pmemstream_entry_size(stream, entry);
            Key key{};
            require(size >= sizeof key, "an entry is too small");
            std::memcpy(&key, data, sizeof key);
            const std::vector<std::byte> bytes = key.bytes();
            require(key.writer < writers && size == bytes.size() && std::equal(bytes.begin(), bytes.end(), data),
                    "the bytes of " + name_of(key));
            const std::uint64_t timestamp = pmemstream_entry_timestamp(stream, entry);
            require(entries.emplace(timestamp, Entry{key, info.generation}).second, "a timestamp is there twice");
            owner = key.writer;
        }
        pmemstream_entry_iterator_delete(&iterator);
        if (owner == writers) {
            spare.push_back(region); // the kill came between its allocation and its first entry
            continue;
        }
        require(shared.writer[owner].region == UINT64_MAX, "a freed region is there again");
        shared.writer[owner].region = region.offset;
        generation_[owner] = info.generation;
    }
    pmemstream_region_iterator_delete(&regions);
    for (const pmemstream_region region : spare)
        require(pmemstream_region_free(stream, region) == 0, "region_free");
    return entries;
}

// What was there before the round is there, unless its region was freed.
void Checker::check_earlier(const Entries &found, const Shared &shared) const
{
    for (const auto &[timestamp, entry] : known_) {
        const Progress &writer = shared.writer[entry.key.writer];
        const auto same = found.find(timestamp);
        const bool there = same != found.end() && same->second.key.round == entry.key.round &&
                           same->second.key.number == entry.key.number;
        require(there || writer.frees_begun > 0, name_of(entry.key) + ", recovered before, is lost");
        require(!there || writer.frees_done == 0, name_of(entry.key) + ", freed before, is there again");
    }
}

void Checker::check_round(const Entries &found, std::uint64_t end, const Shared &shared)
{
    std::map<std::uint64_t, bool> there[writers];
    for (const auto &[timestamp, entry] : found) {
        require(timestamp <= end, "an entry has a timestamp behind the last");
        if (entry.key.round != shared.round) {
            require(known_.contains(timestamp), name_of(entry.key) + ", lost before, is there again");
            continue;
        }
        require(timestamp > end_, name_of(entry.key) + " has a timestamp of an earlier round");
        there[entry.key.writer][entry.key.number] = true;
        ++recovered;
    }
    std::map<std::uint64_t, bool> freed; // timestamps
    for (int i = 0; i < writers; ++i) {
        const Progress &writer = shared.writer[i];
        acknowledged += writer.acknowledged;
        for (std::uint64_t number = 1; number <= writer.freeing_up_to; ++number)
            freed[writer.timestamps[number]] = true;
        for (std::uint64_t number = writer.freeing_up_to + 1; number <= writer.acknowledged; ++number)
            require(there[i].contains(number),
                    "acknowledged entry " + std::to_string(number) + " of writer " + std::to_string(i) + " is lost");
        for (const auto &[number, present] : there[i]) {
            require(number > writer.freed_up_to, "a freed entry is there again");
            const std::uint64_t logged = writer.timestamps[number];
            const auto entry = logged == 0 ? found.end() : found.find(logged);
            require(logged == 0 || (entry != found.end() && entry->second.key.number == number &&
                                    entry->second.key.writer == static_cast<std::uint32_t>(i)),
                    "the timestamp of entry " + std::to_string(number));
        }
    }
    for (std::uint64_t timestamp = end_ + 1; timestamp <= end; ++timestamp)
        require(found.contains(timestamp) || freed.contains(timestamp),
                "there is a hole at timestamp " + std::to_string(timestamp));
}

} // namespace kill_test
