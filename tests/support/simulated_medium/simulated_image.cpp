// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

#include "medium/simulated_image.hpp"

#include "medium/mutation.hpp"

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <map>
#include <set>

namespace pms {
namespace {

constexpr std::size_t words_in_line = 8;
constexpr std::size_t words_in_sector = 64;
constexpr std::size_t words_in_page = 512;

std::size_t words_of(std::size_t bytes)
{
    return (bytes + 7) / 8;
}

} // namespace

SimulatedImage::SimulatedImage(std::size_t size, Granularity granularity)
    : size_(size), granularity_(granularity), cache_(words_of(size)), known_(words_of(size)), durable_(words_of(size))
{}

SimulatedImage::SimulatedImage(const Bytes &content, Granularity granularity)
    : SimulatedImage(content.size(), granularity)
{
    reset(content);
}

void SimulatedImage::reset(const Bytes &content)
{
    std::memcpy(cache_.writable(), content.data(), size_);
    std::memcpy(known_.data(), content.data(), size_);
    std::memcpy(durable_.data(), content.data(), size_);
    pending_.clear();
    threads_.clear();
    dead_ = false;
    failing_sync_ = 0;
    counts_ = {};
    loads_ = 0;
    footprint_.clear();
}

std::uint64_t SimulatedImage::load(std::uint64_t offset) const noexcept
{
    if (loads_.fetch_add(1, std::memory_order_relaxed) >= max_loads)
        static_cast<void>(std::raise(SIGXCPU));
    return __atomic_load_n(&cache_.readable()[offset / 8], __ATOMIC_ACQUIRE);
}

std::uint8_t SimulatedImage::this_thread()
{
    const auto self = std::this_thread::get_id();
    const auto place = std::ranges::find(threads_, self);
    const auto index = static_cast<std::size_t>(place - threads_.begin());
    if (place == threads_.end())
        threads_.push_back(self);
    if (index >= 64)
        std::abort(); // Pending::flushed_by has no bit for it
    return static_cast<std::uint8_t>(index);
}

void SimulatedImage::store(std::uint64_t offset, const void *source, std::size_t size, Path path, Site site)
{
    if (size == 0 || dead_)
        return;
    const Mutation::Kind mutation = Mutation::of(Mutation::Step::store, site);
    if (mutation == Mutation::Kind::drop)
        return;
    const bool delayed = mutation == Mutation::Kind::delay;
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
        record(word, value, path == Path::non_temporal, delayed);
        // Only the bytes meant: others of the word may be somebody else's, who writes them meanwhile.
        auto *cached = cache_.writable() + word;
        if (count == 8)
            __atomic_store_n(cached, value, __ATOMIC_RELEASE);
        else
            std::memcpy(reinterpret_cast<char *>(cached) + in_word, reinterpret_cast<char *>(&value) + in_word, count);
        done += count;
    }
}

void SimulatedImage::record(std::uint64_t word, std::uint64_t value, bool non_temporal, bool delayed)
{
    // A store of what is there already changes no crash state, if what is there is durable or will be in its place.
    if (known_[word] == value && !delayed) {
        const auto last = std::find_if(pending_.rbegin(), pending_.rend(),
                                       [&](const Pending &pending) { return pending.word == word; });
        if (last == pending_.rend() ? durable_[word] == value : last->value == value && !last->non_temporal)
            return;
    }
    known_[word] = value;
    pending_.push_back({word, value, 0, this_thread(), non_temporal, delayed});
}

void SimulatedImage::flush(std::uint64_t offset, std::size_t size, Site site)
{
    if (Mutation::of(Mutation::Step::flush, site) != Mutation::Kind::none)
        return;
    const std::lock_guard guard(mutex_);
    ++counts_.flushes;
    const std::uint64_t bit = 1ULL << this_thread();
    const std::uint64_t begin = offset / 8 / words_in_line * words_in_line;
    const std::uint64_t end = ((offset + size - 1) / 8 / words_in_line + 1) * words_in_line;
    for (Pending &pending : pending_)
        if (pending.word >= begin && pending.word < end)
            pending.flushed_by |= bit;
}

template <typename IsDurable>
void SimulatedImage::settle(IsDurable is_durable)
{
    std::vector<Pending> left;
    for (std::size_t i = 0; i < pending_.size(); ++i) {
        if (!is_durable(pending_[i])) {
            left.push_back(pending_[i]);
            continue;
        }
        durable_[pending_[i].word] = pending_[i].value;
        // One that is durable with a later store never goes back to an earlier one.
        std::erase_if(left, [&](const Pending &earlier) { return earlier.word == pending_[i].word; });
    }
    pending_ = std::move(left);
}

void SimulatedImage::fence(Site site)
{
    if (dead_ || Mutation::of(Mutation::Step::fence, site) != Mutation::Kind::none)
        return;
    if (before_fence)
        before_fence();
    const std::lock_guard guard(mutex_);
    ++counts_.fences;
    const std::uint8_t self = this_thread();
    settle([&](Pending &pending) {
        if (pending.delayed)
            return false;
        if (pending.non_temporal)
            return pending.thread == self;
        return granularity_ == Granularity::byte || (pending.flushed_by >> self & 1) != 0;
    });
    // A delayed store comes after this fence, and after the flush that was meant for it.
    for (Pending &pending : pending_)
        if (pending.delayed && pending.thread == self) {
            pending.delayed = false;
            pending.flushed_by = 0;
        }
}

bool SimulatedImage::sync(std::uint64_t offset, std::size_t size, Site site)
{
    if (dead_ || Mutation::of(Mutation::Step::fence, site) != Mutation::Kind::none)
        return true;
    if (before_fence)
        before_fence();
    const std::lock_guard guard(mutex_);
    ++counts_.fences;
    const bool fails = failing_sync_ != 0 && --failing_sync_ == 0;
    const std::uint64_t begin = offset / 8 / words_in_page * words_in_page;
    const std::uint64_t end = ((offset + size - 1) / 8 / words_in_page + 1) * words_in_page;
    const auto meant = [&](const Pending &pending) {
        return pending.word >= begin && pending.word < end && !pending.delayed;
    };
    if (fails) {
        // It forgets what it should have written: that is on the medium, or it never will be.
        bool written = false;
        settle([&](const Pending &pending) { return meant(pending) && (written = !written); });
        std::erase_if(pending_, meant);
    } else {
        settle(meant);
    }
    for (Pending &pending : pending_)
        pending.delayed = false;
    return !fails;
}

void SimulatedImage::written(std::uint64_t offset, std::size_t size, Site site)
{
    if (dead_)
        return;
    const bool delayed = Mutation::of(Mutation::Step::written, site) != Mutation::Kind::none;
    const std::lock_guard guard(mutex_);
    for (std::uint64_t word = offset / 8; word < words_of(offset + size); ++word)
        if (known_[word] != cache_.readable()[word])
            record(word, cache_.readable()[word], false, delayed);
}

template <typename Choose>
SimulatedImage::Bytes SimulatedImage::image(Choose choose) const
{
    std::vector<std::uint64_t> words = durable_;
    for (const Pending &pending : pending_)
        if (choose(pending))
            words[pending.word] = pending.value;
    Bytes bytes(size_);
    std::memcpy(bytes.data(), words.data(), size_);
    return bytes;
}

SimulatedImage::Bytes SimulatedImage::killed() const
{
    const std::lock_guard guard(mutex_);
    Bytes bytes(size_);
    std::memcpy(bytes.data(), cache_.readable(), size_);
    return bytes;
}

SimulatedImage::Bytes SimulatedImage::power_cut_losing_all() const
{
    const std::lock_guard guard(mutex_);
    return image([](const Pending &) { return false; });
}

SimulatedImage::Bytes SimulatedImage::power_cut(std::mt19937_64 &random) const
{
    const std::lock_guard guard(mutex_);
    const auto coin = [&] { return (random() & 1) != 0; };
    if (granularity_ == Granularity::page) {
        // Each sector on its own: everything, nothing, or torn at words.
        std::map<std::uint64_t, int> sectors;
        return image([&](const Pending &pending) {
            const auto [sector, fresh] =
                sectors.try_emplace(pending.word / words_in_sector, static_cast<int>(random() % 3));
            return sector->second == 2 ? coin() : sector->second == 1;
        });
    }
    // Ordinary stores to a line become durable in their order (with eADR those to all lines): each line stops
    // somewhere.
    std::set<std::uint64_t> stopped;
    return image([&](const Pending &pending) {
        if (pending.non_temporal)
            return coin();
        const std::uint64_t line = granularity_ == Granularity::byte ? 0 : pending.word / words_in_line;
        if (stopped.contains(line))
            return false;
        if (random() % 4 == 0)
            stopped.insert(line);
        return !stopped.contains(line);
    });
}

SimulatedImage::Uncertain SimulatedImage::uncertain() const
{
    const std::lock_guard guard(mutex_);
    return {durable_, pending_};
}

bool SimulatedImage::has_pending() const
{
    const std::lock_guard guard(mutex_);
    return !pending_.empty();
}

void SimulatedImage::kill()
{
    const std::lock_guard guard(mutex_);
    dead_ = true;
    const auto words = cache_.words();
    at_death_.assign(words.begin(), words.end());
}

void SimulatedImage::revive()
{
    const std::lock_guard guard(mutex_);
    dead_ = false;
    // Movers and owners of reservations write to the caches themselves.
    std::ranges::copy(at_death_, cache_.writable());
    // The dead process's flushes were never fenced, its non-temporal stores never will be by their own threads: only a
    // new store or a flush of the line makes them durable.
    for (Pending &pending : pending_) {
        pending.flushed_by = 0;
        pending.non_temporal = false;
    }
    // What was written and not told.
    for (std::uint64_t word = 0; word < known_.size(); ++word)
        if (known_[word] != at_death_[word])
            record(word, at_death_[word], false, false);
}

SimulatedImage::Killed SimulatedImage::killed_now() const
{
    const std::lock_guard guard(mutex_);
    const auto words = cache_.words();
    return {{words.begin(), words.end()}, {durable_, pending_}};
}

void SimulatedImage::revive_as(const Killed &killed)
{
    {
        const std::lock_guard guard(mutex_);
        at_death_ = killed.cache;
        known_ = killed.cache;
        durable_ = killed.uncertain.durable;
        pending_ = killed.uncertain.pending;
        counts_ = {};
        loads_ = 0;
        failing_sync_ = 0;
    }
    revive();
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
