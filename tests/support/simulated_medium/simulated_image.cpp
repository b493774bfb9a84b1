// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

#include "medium/simulated_image.hpp"

#include <algorithm>
#include <cstring>
#include <set>

namespace pms {

SimulatedImage::SimulatedImage(std::size_t size, Granularity granularity)
    : size_(size), granularity_(granularity), cache_((size + 7) / 8), known_(cache_), durable_(cache_)
{}

SimulatedImage::SimulatedImage(const Bytes &content, Granularity granularity)
    : SimulatedImage(content.size(), granularity)
{
    std::memcpy(cache_.data(), content.data(), content.size());
    known_ = durable_ = cache_;
}

std::uint64_t SimulatedImage::load(std::uint64_t offset) const noexcept
{
    loads_.fetch_add(1, std::memory_order_relaxed);
    return __atomic_load_n(&cache_[offset / 8], __ATOMIC_ACQUIRE);
}

void SimulatedImage::store(std::uint64_t offset, const void *source, std::size_t size, Path path, Site)
{
    if (size == 0 || dead_)
        return;
    const std::lock_guard guard(mutex_);
    ++counts_.stores;
    footprint_.emplace_back(offset, offset + size);
    for (std::uint64_t done = 0; done < size;) {
        const std::uint64_t word = (offset + done) / 8;
        const std::uint64_t in_word = (offset + done) % 8;
        const std::uint64_t count = std::min<std::uint64_t>(8 - in_word, size - done);
        std::uint64_t value = known_[word];
        if (source == nullptr)
            std::memset(reinterpret_cast<char *>(&value) + in_word, 0, count);
        else
            std::memcpy(reinterpret_cast<char *>(&value) + in_word, static_cast<const char *>(source) + done, count);
        known_[word] = value;
        // Only the bytes meant: others of the word may be somebody else's, who writes them meanwhile.
        if (count == 8)
            __atomic_store_n(&cache_[word], value, __ATOMIC_RELEASE);
        else
            std::memcpy(reinterpret_cast<char *>(&cache_[word]) + in_word, reinterpret_cast<char *>(&value) + in_word,
                        count);
        record(word, value, path == Path::non_temporal);
        done += count;
    }
}

void SimulatedImage::record(std::uint64_t word, std::uint64_t value, bool non_temporal)
{
    pending_.emplace(next_++, Event{word, value, std::this_thread::get_id(), non_temporal});
}

void SimulatedImage::flush(std::uint64_t offset, std::size_t size, Site)
{
    const std::lock_guard guard(mutex_);
    ++counts_.flushes;
    auto &lines = flushed_[std::this_thread::get_id()];
    for (std::uint64_t line = offset / 64; line <= (offset + size - 1) / 64; ++line)
        lines[line] = next_;
}

void SimulatedImage::make_durable(std::map<Sequence, Event>::iterator event)
{
    durable_[event->second.word] = event->second.value;
}

void SimulatedImage::fence(Site)
{
    if (dead_)
        return;
    if (before_fence)
        before_fence();
    const std::lock_guard guard(mutex_);
    ++counts_.fences;
    const auto self = std::this_thread::get_id();
    const auto &lines = flushed_[self];
    // A word that is durable with a later store never goes back to an earlier one.
    std::map<std::uint64_t, Sequence> newest;
    for (auto event = pending_.begin(); event != pending_.end();) {
        bool durable = false;
        if (event->second.non_temporal) {
            durable = event->second.thread == self;
        } else {
            const auto line = lines.find(line_of(event->second.word));
            durable = granularity_ == Granularity::byte || (line != lines.end() && event->first < line->second);
        }
        if (!durable) {
            ++event;
            continue;
        }
        newest[event->second.word] = event->first;
        make_durable(event);
        event = pending_.erase(event);
    }
    std::erase_if(pending_, [&](const auto &entry) {
        const auto later = newest.find(entry.second.word);
        return later != newest.end() && entry.first < later->second;
    });
    flushed_.erase(self);
}

bool SimulatedImage::sync(std::uint64_t offset, std::size_t size, Site)
{
    if (dead_)
        return true;
    if (before_fence)
        before_fence();
    const std::lock_guard guard(mutex_);
    ++counts_.fences;
    const bool fails = failing_sync_ != 0 && --failing_sync_ == 0;
    const std::uint64_t begin = offset / 4096 * 4096 / 8;
    const std::uint64_t end = (offset + size + 4095) / 4096 * 4096 / 8;
    for (auto event = pending_.begin(); event != pending_.end();) {
        if (event->second.word < begin || event->second.word >= end) {
            ++event;
            continue;
        }
        // A sync that fails forgets what it should have written: it is on the medium, or it never will be.
        if (!fails || event->first % 2 == 0)
            make_durable(event);
        event = pending_.erase(event);
    }
    return !fails;
}

void SimulatedImage::written(std::uint64_t offset, std::size_t size, Site)
{
    if (dead_)
        return;
    const std::lock_guard guard(mutex_);
    for (std::uint64_t word = offset / 8; word < (offset + size + 7) / 8; ++word) {
        if (known_[word] == cache_[word])
            continue;
        known_[word] = cache_[word];
        record(word, cache_[word], false);
    }
}

template <typename Choose>
SimulatedImage::Bytes SimulatedImage::image(Choose choose) const
{
    std::vector<std::uint64_t> words = durable_;
    for (const auto &[sequence, event] : pending_)
        if (choose(event))
            words[event.word] = event.value;
    Bytes bytes(size_);
    std::memcpy(bytes.data(), words.data(), size_);
    return bytes;
}

SimulatedImage::Bytes SimulatedImage::killed() const
{
    const std::lock_guard guard(mutex_);
    Bytes bytes(size_);
    std::memcpy(bytes.data(), cache_.data(), size_);
    return bytes;
}

SimulatedImage::Bytes SimulatedImage::power_cut_losing_all() const
{
    const std::lock_guard guard(mutex_);
    return image([](const Event &) { return false; });
}

SimulatedImage::Bytes SimulatedImage::power_cut(std::mt19937_64 &random) const
{
    const std::lock_guard guard(mutex_);
    const auto coin = [&] { return (random() & 1) != 0; };
    if (granularity_ == Granularity::page) {
        // Each sector on its own: everything, nothing, or torn at words.
        std::map<std::uint64_t, int> sectors;
        return image([&](const Event &event) {
            const auto [sector, fresh] = sectors.try_emplace(event.word / 64, static_cast<int>(random() % 3));
            return sector->second == 2 ? coin() : sector->second == 1;
        });
    }
    // Ordinary stores to a line become durable in their order (with eADR those to all lines): each line stops
    // somewhere.
    std::set<std::uint64_t> stopped;
    return image([&](const Event &event) {
        if (event.non_temporal)
            return coin();
        const std::uint64_t line = granularity_ == Granularity::byte ? 0 : line_of(event.word);
        if (stopped.contains(line))
            return false;
        if (random() % 4 == 0)
            stopped.insert(line);
        return !stopped.contains(line);
    });
}

void SimulatedImage::kill()
{
    const std::lock_guard guard(mutex_);
    dead_ = true;
    at_death_ = cache_;
}

void SimulatedImage::revive()
{
    // The dead process's flushes were never fenced, its non-temporal stores never will be by their own threads: only a
    // new store or a flush of the line makes them durable.
    const std::lock_guard guard(mutex_);
    dead_ = false;
    // Movers and owners of reservations write to the caches themselves.
    cache_ = at_death_;
    flushed_.clear();
    for (auto &[sequence, event] : pending_)
        event.non_temporal = false;
    known_ = cache_;
}

void SimulatedImage::fail_sync(std::uint64_t n)
{
    const std::lock_guard guard(mutex_);
    failing_sync_ = n;
}

SimulatedImage::Counts SimulatedImage::counts() const
{
    const std::lock_guard guard(mutex_);
    Counts counts = counts_;
    counts.loads = loads_.load(std::memory_order_relaxed);
    return counts;
}

std::vector<std::pair<std::uint64_t, std::uint64_t>> SimulatedImage::footprint() const
{
    const std::lock_guard guard(mutex_);
    return footprint_;
}

void SimulatedImage::reset_footprint()
{
    const std::lock_guard guard(mutex_);
    footprint_.clear();
}

} // namespace pms
