// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

#include "medium/simulated_image.hpp"

#include "medium/mutation.hpp"

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <iterator>
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

std::uint64_t hash_of_word(std::uint64_t word, std::uint64_t value) noexcept
{
    // The finalizer of splitmix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014).
    std::uint64_t hash = value + (word + 1) * 0x9e3779b97f4a7c15;
    hash = (hash ^ hash >> 30) * 0xbf58476d1ce4e5b9;
    hash = (hash ^ hash >> 27) * 0x94d049bb133111eb;
    return hash ^ hash >> 31;
}

SimulatedImage::SimulatedImage(std::size_t size, Granularity granularity)
    : size_(size), granularity_(granularity), cache_(words_of(size)), known_(words_of(size)), durable_(words_of(size)),
      is_touched_(words_of(size)), pending_(words_of(size)), is_settled_(words_of(size))
{
    reset(Bytes(size));
}

SimulatedImage::SimulatedImage(const Bytes &content, Granularity granularity)
    : SimulatedImage(content.size(), granularity)
{
    reset(content);
}

SimulatedImage::SharedWords SimulatedImage::shared(const Bytes &content)
{
    auto words = std::make_shared<Words>(Words{std::vector<std::uint64_t>(words_of(content.size())), 0});
    std::memcpy(words->values.data(), content.data(), content.size());
    for (std::size_t word = 0; word < words->values.size(); ++word)
        words->hash += hash_of_word(word, words->values[word]);
    return words;
}

void SimulatedImage::reset(const SharedWords &base, const std::vector<std::uint64_t> &words,
                           const std::vector<std::uint64_t> &values)
{
    const auto put = [&](std::uint64_t word, std::uint64_t value) {
        cache_.writable()[word] = known_[word] = durable_[word] = value;
    };
    if (base == base_) {
        for (const std::uint64_t word : touched_) {
            put(word, base->values[word]);
            is_touched_[word] = false;
        }
    } else {
        base_ = base;
        known_ = durable_ = base->values;
        std::ranges::copy(base->values, cache_.writable());
        is_touched_.assign(is_touched_.size(), false);
    }
    touched_.clear();
    for (std::size_t i = 0; i < words.size(); ++i) {
        put(words[i], values[i]);
        touch(words[i]);
    }
    pending_.assign({});
    threads_.clear();
    dead_ = false;
    failing_sync_ = 0;
    counts_ = {};
    loads_ = 0;
    footprint_.clear();
}

void SimulatedImage::touch(std::uint64_t word)
{
    if (is_touched_[word])
        return;
    is_touched_[word] = true;
    touched_.push_back(word);
}

const SimulatedImage::Pending *SimulatedImage::PendingStores::last_to(std::uint64_t word) const
{
    if (of_word_[word] == 0)
        return nullptr;
    return &*std::find_if(all_.rbegin(), all_.rend(), [&](const Pending &store) { return store.word == word; });
}

void SimulatedImage::PendingStores::assign(const std::vector<Pending> &stores)
{
    erase_if([](const Pending &) { return true; });
    for (const Pending &store : stores)
        add(store);
}

template <typename ValueOf>
std::uint64_t SimulatedImage::hash_of(ValueOf value_of) const
{
    std::uint64_t hash = base_->hash;
    for (const std::uint64_t word : touched_)
        hash += hash_of_word(word, value_of(word)) - hash_of_word(word, base_->values[word]);
    return hash;
}

std::uint64_t SimulatedImage::load(std::uint64_t offset) const noexcept
{
    announce(Step::load, offset, sizeof(std::uint64_t));
    // Exact for one thread, which is what counts are asked for.
    const std::uint64_t loads = loads_.load(std::memory_order_relaxed) + 1;
    loads_.store(loads, std::memory_order_relaxed);
    if (loads > max_loads)
        static_cast<void>(std::raise(SIGXCPU));
    return __atomic_load_n(&cache_.readable()[offset / 8], __ATOMIC_ACQUIRE);
}

std::uint8_t SimulatedImage::this_thread()
{
    const auto self = sync::this_thread_id();
    const auto place = std::ranges::find(threads_, self);
    const auto index = static_cast<std::size_t>(place - threads_.begin());
    if (place == threads_.end())
        threads_.push_back(self);
    if (index >= 64)
        std::abort(); // Pending::flushed_by has no bit for it
    return static_cast<std::uint8_t>(index);
}

void SimulatedImage::store(std::uint64_t offset, std::uint64_t value, Site site)
{
    announce(Step::store, offset, sizeof value);
    const Mutation::Kind mutation = Mutation::of(Mutation::Step::store, site);
    if (mutation == Mutation::Kind::drop || dead_)
        return;
    const std::lock_guard guard(mutex_);
    write(offset, &value, sizeof value, false, mutation == Mutation::Kind::delay);
}

void SimulatedImage::copy(std::uint64_t offset, const void *source, std::size_t size, Path path, Site site)
{
    announce(Step::store, offset, size);
    const Mutation::Kind mutation = Mutation::of(Mutation::Step::copy, site);
    if (mutation == Mutation::Kind::drop || dead_ || size == 0)
        return;
    const bool non_temporal = path == Path::non_temporal;
    const std::lock_guard guard(mutex_);
    write(offset, source, size, non_temporal, mutation == Mutation::Kind::delay);
    if (const std::uint64_t next = words_of(offset + size) * 8; mutation == Mutation::Kind::spill && next < size_)
        write(next, nullptr, 8, non_temporal, false);
}

void SimulatedImage::write(std::uint64_t offset, const void *source, std::size_t size, bool non_temporal, bool delayed)
{
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
        record(word, value, non_temporal, delayed);
        // Only the bytes meant: others of the word may be somebody else's, who writes them meanwhile.
        auto *cached = cache_.writable() + word;
        if (count == 8)
            __atomic_store_n(cached, value, __ATOMIC_RELEASE);
        else
            std::memcpy(reinterpret_cast<char *>(cached) + in_word, reinterpret_cast<char *>(&value) + in_word, count);
        done += count;
    }
}

void SimulatedImage::store_again(std::uint64_t offset, std::size_t size, Site site)
{
    announce(Step::store, offset, size);
    const Mutation::Kind mutation = Mutation::of(Mutation::Step::store, site);
    if (mutation == Mutation::Kind::drop || dead_)
        return;
    const std::lock_guard guard(mutex_);
    ++counts_.stores;
    // Of all other words what is there is durable.
    std::vector<std::uint64_t> words;
    std::ranges::copy_if(touched_, std::back_inserter(words),
                         [&](std::uint64_t word) { return word >= offset / 8 && word < words_of(offset + size); });
    std::ranges::sort(words);
    for (const std::uint64_t word : words)
        record(word, known_[word], false, mutation == Mutation::Kind::delay);
}

void SimulatedImage::record(std::uint64_t word, std::uint64_t value, bool non_temporal, bool delayed)
{
    // A store of what is there already changes no crash state, if what is there is durable or will be in its place. A
    // non-temporal one may be sooner.
    if (known_[word] == value && !delayed) {
        const Pending *last = pending_.last_to(word);
        if (last == nullptr ? durable_[word] == value : last->value == value && !last->non_temporal && !non_temporal)
            return;
    }
    known_[word] = value;
    touch(word);
    pending_.add({word, value, 0, this_thread(), non_temporal, delayed});
}

void SimulatedImage::flush(std::uint64_t offset, std::size_t size, Site site)
{
    announce(Step::flush, offset, size);
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
    const std::vector<Pending> &stores = pending_.all();
    std::vector<bool> goes(stores.size());
    for (std::size_t i = 0; i < stores.size(); ++i)
        if (is_durable(stores[i])) {
            durable_[stores[i].word] = stores[i].value;
            goes[i] = true;
        }
    // One that is durable with a later store never goes back to an earlier one.
    for (std::size_t i = stores.size(); i-- > 0;)
        if (goes[i])
            is_settled_[stores[i].word] = true;
        else
            goes[i] = is_settled_[stores[i].word];
    for (const Pending &store : stores)
        is_settled_[store.word] = false;
    std::size_t next = 0;
    pending_.erase_if([&](const Pending &) { return goes[next++]; });
}

void SimulatedImage::fence(Site site)
{
    announce(Step::fence, 0, 0);
    if (dead_ || Mutation::of(Mutation::Step::fence, site) != Mutation::Kind::none)
        return;
    if (before_fence)
        before_fence();
    const std::lock_guard guard(mutex_);
    ++counts_.fences;
    const std::uint8_t self = this_thread();
    settle([&](const Pending &pending) {
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

std::size_t SimulatedImage::file_size() const noexcept
{
    return size_at_ == 0 ? size_ : std::min<std::size_t>(load(size_at_), size_at_);
}

bool SimulatedImage::sync_size(Site site)
{
    return sync_words(size_at_ / 8, size_at_ / 8 + 1, size_at_, sizeof(std::uint64_t), site);
}

bool SimulatedImage::sync(std::uint64_t offset, std::size_t size, Site site)
{
    const std::uint64_t begin = offset / 8 / words_in_page * words_in_page;
    const std::uint64_t end = ((offset + size - 1) / 8 / words_in_page + 1) * words_in_page;
    // The file's size is in none of its pages.
    return sync_words(begin, size_at_ == 0 ? end : std::min(end, size_at_ / 8), offset, size, site);
}

bool SimulatedImage::sync_words(std::uint64_t begin, std::uint64_t end, std::uint64_t offset, std::size_t size,
                                Site site)
{
    announce(Step::sync, offset, size);
    if (dead_ || Mutation::of(Mutation::Step::fence, site) != Mutation::Kind::none)
        return true;
    if (before_fence)
        before_fence();
    const std::lock_guard guard(mutex_);
    if (sync_failed_)
        return false;
    ++counts_.fences;
    const bool fails = failing_sync_ != 0 && --failing_sync_ == 0;
    const auto meant = [&](const Pending &pending) {
        return pending.word >= begin && pending.word < end && !pending.delayed;
    };
    sync_failed_ = fails;
    if (fails) {
        // It forgets what it should have written: that is on the medium, or it never will be.
        bool written = false;
        settle([&](const Pending &pending) { return meant(pending) && (written = !written); });
        pending_.erase_if(meant);
    } else {
        settle(meant);
    }
    for (Pending &pending : pending_)
        pending.delayed = false;
    return !fails;
}

void *SimulatedImage::writable(std::uint64_t offset, std::size_t size)
{
    const std::lock_guard guard(mutex_);
    for (std::uint64_t word = offset / 8; word < words_of(offset + size); ++word)
        touch(word);
    return reinterpret_cast<std::byte *>(cache_.writable()) + offset;
}

void SimulatedImage::written(std::uint64_t offset, std::size_t size, Site site)
{
    announce(Step::store, offset, size);
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
    return uncertain_now();
}

SimulatedImage::Uncertain SimulatedImage::uncertain_now() const
{
    const auto durable = [&](std::uint64_t word) { return durable_[word]; };
    return {std::make_shared<Words>(Words{durable_, hash_of(durable)}), pending_.all()};
}

std::uint64_t SimulatedImage::hash_of_uncertain() const
{
    const std::lock_guard guard(mutex_);
    std::uint64_t hash = hash_of([&](std::uint64_t word) { return durable_[word]; });
    for (const Pending &store : pending_)
        hash = hash_of_word(store.word << 1 | (store.non_temporal ? 1U : 0U), store.value) + hash * 3;
    return hash;
}

std::uint64_t SimulatedImage::hash_of_cache() const
{
    const std::lock_guard guard(mutex_);
    return hash_of([&](std::uint64_t word) { return cache_.readable()[word]; });
}

bool SimulatedImage::has_pending() const
{
    const std::lock_guard guard(mutex_);
    return !pending_.all().empty();
}

void SimulatedImage::kill()
{
    const std::lock_guard guard(mutex_);
    dead_ = true;
    at_death_.clear();
    for (const std::uint64_t word : touched_)
        at_death_.push_back(cache_.readable()[word]);
}

void SimulatedImage::revive()
{
    const std::lock_guard guard(mutex_);
    dead_ = false;
    // Movers and owners of reservations write to the caches themselves, also after their process's death.
    for (std::size_t i = 0; i < at_death_.size(); ++i)
        cache_.writable()[touched_[i]] = at_death_[i];
    // The dead process's flushes were never fenced, its non-temporal stores never will be by their own threads: only a
    // new store or a flush of the line makes them durable.
    for (Pending &pending : pending_) {
        pending.flushed_by = 0;
        pending.non_temporal = false;
    }
    // What was written and not told.
    for (std::size_t i = 0; i < at_death_.size(); ++i)
        if (known_[touched_[i]] != at_death_[i])
            record(touched_[i], at_death_[i], false, false);
}

SimulatedImage::Killed SimulatedImage::killed_now() const
{
    const std::lock_guard guard(mutex_);
    const auto words = cache_.words();
    return {{words.begin(), words.end()}, uncertain_now()};
}

void SimulatedImage::revive_as(const Killed &killed)
{
    reset(killed.uncertain.durable, {}, {});
    for (std::uint64_t word = 0; word < known_.size(); ++word)
        if (known_[word] != killed.cache[word]) {
            touch(word);
            known_[word] = killed.cache[word];
        }
    for (const Pending &store : killed.uncertain.pending)
        touch(store.word);
    pending_.assign(killed.uncertain.pending);
    at_death_.clear();
    for (const std::uint64_t word : touched_)
        at_death_.push_back(killed.cache[word]);
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
