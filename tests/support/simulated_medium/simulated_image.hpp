// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// A stream's file, as programs see it (the caches) and as a power cut leaves it. What each granularity may lose is told
// in docs/crash_consistency.md; this class and crash_states.hpp are that page in code.
//
// The library sees the caches through a read-only mapping: a store that does not go through Medium is a SIGSEGV.
#pragma once

#include "medium/mapped_words.hpp"
#include "sync/sync.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <random>
#include <source_location>
#include <vector>

struct pmem2_map;

namespace pms {

enum class Granularity : std::uint8_t { byte, cache_line, page };

// The hash of an image is the sum of those of its words, so that it follows from another image's hash and the words
// that differ.
std::uint64_t hash_of_word(std::uint64_t word, std::uint64_t value) noexcept;

class SimulatedImage {
public:
    enum class Path : std::uint8_t { ordinary, non_temporal };
    using Site = std::source_location;
    using Bytes = std::vector<std::byte>;

    // A store of one word that is not surely durable yet.
    struct Pending {
        std::uint64_t word; // its index
        std::uint64_t value;
        std::uint64_t flushed_by; // threads, as bits, that flushed its line after it; each has to fence yet
        std::uint8_t thread;
        bool non_temporal;
        bool delayed; // a mutation: the next fence does not count for it
    };

    SimulatedImage(std::size_t size, Granularity granularity);
    // What was on the medium when the power came back: caches and medium agree.
    SimulatedImage(const Bytes &content, Granularity granularity);
    // The same again, of the same size.
    void reset(const Bytes &content) { reset(shared(content), {}, {}); }
    // Words of an image, of which some are changed. An image that is reset to the same words again is only put right
    // where it differs.
    struct Words {
        std::vector<std::uint64_t> values;
        std::uint64_t hash;
    };
    using SharedWords = std::shared_ptr<const Words>;
    static SharedWords shared(const Bytes &content);
    void reset(const SharedWords &base, const std::vector<std::uint64_t> &words,
               const std::vector<std::uint64_t> &values);

    void mapped() noexcept { sync_failed_ = false; }
    pmem2_map *map() noexcept { return reinterpret_cast<pmem2_map *>(this); }
    const std::byte *cache() const noexcept { return reinterpret_cast<const std::byte *>(cache_.readable()); }
    std::size_t size() const noexcept { return size_; }
    // The image is of a file that may grow: it holds more than the file does now, and this in the word at `offset`, as
    // a file system's journal would.
    void has_size_at(std::uint64_t offset) noexcept { size_at_ = offset; }
    std::size_t file_size() const noexcept;
    void set_file_size(std::size_t size, Site site = Site::current()) { store(size_at_, size, site); }
    // fsync: on every medium.
    bool sync_size(Site site);
    Granularity granularity() const noexcept { return granularity_; }

    std::uint64_t load(std::uint64_t offset) const noexcept;
    void store(std::uint64_t offset, std::uint64_t value, Site site);
    // `source` nullptr: zeros.
    void copy(std::uint64_t offset, const void *source, std::size_t size, Path path, Site site);
    void store_again(std::uint64_t offset, std::size_t size, Site site);
    void flush(std::uint64_t offset, std::size_t size, Site site);
    void fence(Site site);
    // After one that failed all fail, until the image is mapped anew.
    bool sync(std::uint64_t offset, std::size_t size, Site site);
    void *writable(std::uint64_t offset, std::size_t size);
    void written(std::uint64_t offset, std::size_t size, Site site);

    // ---- What a crash leaves
    // kill -9: what the caches hold.
    Bytes killed() const;
    // A power cut that loses everything that may be lost.
    Bytes power_cut_losing_all() const;
    // A power cut that loses a random choice of what may be lost.
    Bytes power_cut(std::mt19937_64 &random) const;
    // All that a power cut may lose, for CrashStates: what is surely durable, and in their order what is not.
    struct Uncertain {
        SharedWords durable;
        std::vector<Pending> pending;
    };
    Uncertain uncertain() const;
    // Of all that, without a copy.
    std::uint64_t hash_of_uncertain() const;
    // Of what programs see.
    std::uint64_t hash_of_cache() const;
    bool has_pending() const;
    // kill -9: from here on whoever still runs in this process writes nothing. What he owns can be given back in peace.
    void kill();
    // Another process goes on: the same caches, with the same stores still to become durable.
    void revive();
    // What a kill at this moment would leave: the caches, and what is still to become durable.
    struct Killed {
        std::vector<std::uint64_t> cache;
        Uncertain uncertain;
    };
    Killed killed_now() const;
    // Another process goes on with that.
    void revive_as(const Killed &killed);

    // ---- What tests ask of it
    // Called first in each step: whoever wants to choose the thread that goes on can do it there.
    enum class Step : std::uint8_t { load, store, flush, fence, sync };
    std::function<void(Step step, std::uint64_t offset, std::size_t size)> before_step;
    // Called before each fence or sync completes: the moments at which a power cut is worth a look.
    std::function<void()> before_fence;
    // The n-th sync from now on fails, 1 the next one; 0: none.
    void fail_sync(std::uint64_t n);
    // Whoever loads more words than this since reset() hangs: the process dies of SIGXCPU.
    std::uint64_t max_loads = UINT64_MAX;
    struct Counts {
        std::uint64_t fences = 0; // and syncs
        std::uint64_t flushes = 0;
        std::uint64_t stores = 0;
        std::uint64_t loads = 0; // of single words
    };
    Counts counts() const;
    // Every range stored since reset_footprint(), as [begin, end).
    std::vector<std::pair<std::uint64_t, std::uint64_t>> footprint() const;
    void reset_footprint();

private:
    void announce(Step step, std::uint64_t offset, std::size_t size) const
    {
        if (before_step)
            before_step(step, offset, size);
    }
    bool sync_words(std::uint64_t begin, std::uint64_t end, std::uint64_t offset, std::size_t size, Site site);
    std::uint8_t this_thread();
    void write(std::uint64_t offset, const void *source, std::size_t size, bool non_temporal, bool delayed);
    void record(std::uint64_t word, std::uint64_t value, bool non_temporal, bool delayed);
    void touch(std::uint64_t word);
    // Of the words that touched_ tells, and of all others as base_ has them.
    template <typename ValueOf>
    std::uint64_t hash_of(ValueOf value_of) const;
    // Takes what `is_durable` tells out of pending_.
    template <typename IsDurable>
    void settle(IsDurable is_durable);
    template <typename Choose>
    Bytes image(Choose choose) const;
    Uncertain uncertain_now() const;

    const std::size_t size_;
    std::uint64_t size_at_ = 0; // 0: the file is as large as the image
    const Granularity granularity_;
    MappedWords cache_;                  // what programs see
    std::vector<std::uint64_t> known_;   // the same, as far as the image was told
    std::vector<std::uint64_t> durable_; // what surely survives
    SharedWords base_;                   // what the three were reset to
    std::vector<std::uint64_t> touched_; // where they may differ from it
    std::vector<bool> is_touched_;

    // In the order of the stores.
    class PendingStores {
    public:
        explicit PendingStores(std::size_t words) : of_word_(words) {}
        auto begin() { return all_.begin(); }
        auto end() { return all_.end(); }
        auto begin() const { return all_.begin(); }
        auto end() const { return all_.end(); }
        const std::vector<Pending> &all() const { return all_; }
        void add(const Pending &store)
        {
            all_.push_back(store);
            ++of_word_[store.word];
        }
        const Pending *last_to(std::uint64_t word) const;
        template <typename Goes>
        void erase_if(Goes goes)
        {
            std::erase_if(all_, [&](Pending &store) {
                const bool gone = goes(store);
                of_word_[store.word] -= gone;
                return gone;
            });
        }
        void assign(const std::vector<Pending> &stores);

    private:
        std::vector<Pending> all_;
        std::vector<std::uint32_t> of_word_; // how many
    };

    mutable std::mutex mutex_;
    PendingStores pending_;
    std::vector<bool> is_settled_; // of words, while settle() runs
    std::vector<sync::thread_id> threads_;
    std::atomic<bool> dead_{false};
    std::vector<std::uint64_t> at_death_; // what the caches held in the words touched so far
    std::uint64_t failing_sync_ = 0;
    bool sync_failed_ = false;
    Counts counts_;
    mutable std::atomic<std::uint64_t> loads_{0};
    std::vector<std::pair<std::uint64_t, std::uint64_t>> footprint_;
};

} // namespace pms
