// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// Programs on a page-granular medium one of whose syncs fails, and what the stream owes their callers then: EIO from
// the failing call and from every one after it, and at the next open everything that was acknowledged before.
#pragma once

#include "support/content.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <map>
#include <set>
#include <string>

namespace faults {

class FailingSyncs {
public:
    static constexpr std::size_t block_size = 64;

    // Entries of different programs differ.
    explicit FailingSyncs(std::string name = "entry ") : name_(std::move(name)) {}

    // Opens the stream, runs through everything that syncs, and closes it; twice. From the failing sync on every call
    // must fail.
    void run(pmem2_map *map)
    {
        for (int life = 0; life < 2 && !failed_; ++life) {
            if (succeeded(pmemstream_from_map(&stream_, block_size, map)))
                for (int round = 0; round < 3; ++round)
                    use_everything();
            close();
        }
    }

    void open(pmem2_map *map) { static_cast<void>(succeeded(pmemstream_from_map(&stream_, block_size, map))); }
    void share(pmemstream *stream) { stream_ = stream; }
    pmemstream *stream() const { return stream_; }
    bool failed() const { return failed_; }

    void close()
    {
        // What was only committed becomes durable then, or not.
        pmemstream_delete(&stream_);
    }

    // false: it failed, as it must from the failing sync on.
    bool succeeded(int result)
    {
        if (result == 0) {
            EXPECT_FALSE(failed_) << "a call succeeded after a failed sync";
            return true;
        }
        EXPECT_EQ(errno, EIO) << pmemstream_errormsg();
        failed_ = true;
        return false;
    }

    pmemstream_region allocate(std::size_t size)
    {
        pmemstream_region region{UINT64_MAX};
        if (succeeded(pmemstream_region_allocate(stream_, size, &region)))
            allocated_.insert(region.offset);
        else
            // Where it would be is not known, nor whether it is there.
            region.offset = allocated_.empty() ? 0 : *allocated_.begin();
        return region;
    }

    void free(pmemstream_region region)
    {
        allocated_.erase(region.offset);
        const auto is_in_it = [&](const auto &entry) { return entry.second.region == region.offset; };
        std::erase_if(acknowledged_, is_in_it);
        std::erase_if(waiting_, is_in_it);
        if (succeeded(pmemstream_region_free(stream_, region)))
            std::erase_if(submitted_, [&](const auto &entry) { return entry.second == region.offset; });
    }

    void append(pmemstream_region region, std::size_t size = 30)
    {
        const std::string data = submit(region, size);
        pmemstream_entry entry{};
        if (succeeded(pmemstream_append(stream_, region, nullptr, data.data(), data.size(), &entry)))
            acknowledge(region, entry, data);
    }

    // Committed, and acknowledged by the next wait.
    void async_append(pmemstream_region region)
    {
        const std::string data = submit(region, 30);
        pmemstream_entry entry{};
        if (!succeeded(pmemstream_async_append(stream_, nullptr, region, nullptr, data.data(), data.size(), &entry)))
            return;
        const std::uint64_t timestamp = pmemstream_entry_timestamp(stream_, entry);
        waiting_.insert({timestamp, {region.offset, data}});
    }

    void wait()
    {
        if (waiting_.empty())
            return;
        auto wait = pmemstream_async_wait_persisted(stream_, waiting_.rbegin()->first);
        FUTURE_BUSY_POLL(&wait);
        // The failure may have been another call's: then what is durable already is still told of.
        if (wait.output.error_code == 0) {
            acknowledged_.merge(waiting_);
        } else {
            EXPECT_EQ(errno, EIO) << pmemstream_errormsg();
            failed_ = true;
        }
        waiting_.clear();
    }

    // Three reservations; an entry appended behind them; published from the second on, the first last.
    void reserve_and_publish(pmemstream_region region)
    {
        pmemstream_entry entries[3];
        std::string data[3];
        for (int i = 0; i < 3; ++i) {
            data[i] = submit(region, 30);
            void *place = nullptr;
            if (!succeeded(pmemstream_reserve(stream_, region, nullptr, data[i].size(), &entries[i], &place)))
                return;
            std::memcpy(place, data[i].data(), data[i].size());
        }
        append(region);
        for (const int i : {1, 2, 0}) {
            const auto publish = i == 2 ? pmemstream_async_publish : pmemstream_publish;
            if (!succeeded(publish(stream_, region, nullptr, entries[i], data[i].size())))
                continue;
            if (i == 2)
                waiting_.insert({pmemstream_entry_timestamp(stream_, entries[i]), {region.offset, data[i]}});
            else
                acknowledge(region, entries[i], data[i]);
        }
        wait();
    }

    // What the next open shows.
    void check(pmemstream *stream) const
    {
        const Content content = content_of(stream);
        for (const auto &[timestamp, entry] : acknowledged_) {
            const auto found = content.find(timestamp);
            ASSERT_TRUE(found != content.end()) << entry << " was acknowledged, and is lost";
            EXPECT_EQ(found->second, entry);
        }
        for (const auto &[timestamp, entry] : content) {
            const auto submitted = submitted_.find(entry.data);
            EXPECT_TRUE(submitted != submitted_.end() && submitted->second == entry.region)
                << entry << " was never submitted, or freed";
        }
        std::set<std::uint64_t> regions;
        for (const pmemstream_region region : regions_of(stream))
            regions.insert(region.offset);
        for (const std::uint64_t region : allocated_)
            EXPECT_TRUE(regions.contains(region)) << "a region was lost";
        EXPECT_EQ(damages_of(stream), 0U);
        EXPECT_EQ(info_of(stream).damage_count, 0U);
    }

    // What other threads did to the same stream.
    void add(const FailingSyncs &other)
    {
        acknowledged_.insert(other.acknowledged_.begin(), other.acknowledged_.end());
        submitted_.insert(other.submitted_.begin(), other.submitted_.end());
        allocated_.insert(other.allocated_.begin(), other.allocated_.end());
        failed_ = failed_ || other.failed_;
    }

    std::size_t acknowledged() const { return acknowledged_.size(); }

private:
    void use_everything()
    {
        const pmemstream_region region = allocate(3000);
        const pmemstream_region other = allocate(3000);
        append(region);
        append(region, 1200);
        for (int i = 0; i < 3; ++i)
            async_append(i % 2 == 0 ? region : other);
        wait();
        reserve_and_publish(region);
        async_append(region);
        append(other);
        // What is not yet durable in it is made so first.
        async_append(other);
        free(other);
        // Its span is joined to the rest for this one. A stream that failed may tell of no space.
        free(allocate(std::max<std::uint64_t>(info_of(stream_).largest_free_size, 1)));
        async_append(region);
    }

    std::string submit(pmemstream_region region, std::size_t size)
    {
        std::string data = name_ + std::to_string(++number_);
        data.resize(size, '.');
        submitted_[data] = region.offset;
        return data;
    }

    void acknowledge(pmemstream_region region, pmemstream_entry entry, const std::string &data)
    {
        acknowledged_[pmemstream_entry_timestamp(stream_, entry)] = {region.offset, data};
        // With it all before it.
        wait();
    }

    const std::string name_;
    std::uint64_t number_ = 0;
    pmemstream *stream_ = nullptr;
    bool failed_ = false;
    Content acknowledged_;
    Content waiting_;
    std::map<std::string, std::uint64_t> submitted_; // with the region
    std::set<std::uint64_t> allocated_;              // and not freed
};

} // namespace faults
