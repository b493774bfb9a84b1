// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// The process that is killed.

#include "protocol.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <deque>
#include <mutex>
#include <thread>

namespace kill_test {
namespace {

struct Failure {
    const char *what;
};

// A region in use, as long as the stream is open.
struct Use {
    std::uint32_t life; // its place in Shared::lives
    pmemstream_region region;
    pmemstream_region_runtime *runtime;
    std::atomic<bool> ended = false; // somebody frees it
};

class Regions {
public:
    // Goes on with those that are there.
    Regions(pmemstream *stream, Shared &shared) : stream_(stream), shared_(shared)
    {
        int slot = 0;
        for (std::uint32_t place = 0; place < shared_.life_count; ++place)
            if (shared_.lives[place].state == Life::live)
                slots_.at(slot++) = use(place);
        for (; slot < slots; ++slot)
            slots_.at(slot) = use(allocate(slot * 7919ULL));
    }
    ~Regions()
    {
        for (Use *one : slots_)
            delete one;
        for (Use *one : ended_)
            delete one;
    }
    Regions(const Regions &) = delete;
    Regions &operator=(const Regions &) = delete;

    Use &at(int slot) const { return *slots_.at(slot).load(); }
    const Life &life(const Use &use) const { return shared_.lives[use.life]; }

    // Frees the region, in which others may be writing, and puts another one in its place.
    void renew(int slot, std::uint64_t random)
    {
        Use &old = at(slot);
        if (old.ended.exchange(true))
            return;
        Life &life = shared_.lives[old.life];
        life.state = Life::freeing;
        if (pmemstream_region_free(stream_, old.region) != 0)
            throw Failure{"region_free"};
        life.state = Life::freed;
        slots_.at(slot) = use(allocate(random));
        const std::lock_guard guard(mutex_);
        ended_.push_back(&old);
    }

private:
    std::uint32_t allocate(std::uint64_t random)
    {
        // Now and then beyond the steps in which the library moves its bounds.
        std::size_t size = random % 4 == 0 ? 1500000 : 20000 + random % 300000;
        pmemstream_region region{};
        while (pmemstream_region_allocate(stream_, size, &region) != 0) {
            if (errno != ENOSPC || size < 30000)
                throw Failure{"region_allocate"};
            size /= 2;
        }
        const std::uint32_t place = shared_.life_count++;
        if (place >= max_lives)
            throw Failure{"nobody killed it"};
        Life &life = shared_.lives[place];
        life.id = shared_.first_life + place;
        life.offset = region.offset;
        life.state = Life::live;
        return place;
    }

    Use *use(std::uint32_t place)
    {
        auto *one = new Use{place, {shared_.lives[place].offset}, nullptr};
        if (pmemstream_region_runtime_initialize(stream_, one->region, &one->runtime) != 0)
            throw Failure{"region_runtime_initialize"};
        return one;
    }

    pmemstream *stream_;
    Shared &shared_;
    std::array<std::atomic<Use *>, slots> slots_{};
    std::mutex mutex_;
    std::vector<Use *> ended_;
};

class Writer {
public:
    Writer(pmemstream *stream, Shared &shared, Regions &regions, std::uint32_t index, std::uint64_t seed, vdm *mover)
        : stream_(stream), progress_(shared.writer[index]), regions_(regions), round_(shared.round), index_(index),
          random_(seed), mover_(mover), number_(progress_.begun)
    {}

    void run()
    {
        // Short sessions get to their end also where a sync takes long.
        for (std::uint64_t steps = 1 + random() % (random() % 2 == 0 ? 10 : 300); steps != 0; --steps) {
            if (number_ + 16 >= max_logged)
                throw Failure{"nobody killed it"};
            step();
        }
    }

private:
    using Bytes = std::vector<std::byte>;

    // Somebody has freed the region meanwhile.
    struct Gone {};
    // It is full.
    struct Full {};

    std::uint64_t random() { return random_ = mix(random_); }

    void step()
    {
        const int slot = static_cast<int>(random() % slots);
        const std::uint64_t chosen = random();
        use_ = &regions_.at(slot);
        try {
            if (chosen % 100 == 0) {
                regions_.renew(slot, random());
            } else if (chosen % 100 == 1) {
                abandon();
            } else if (chosen % 4 < 2) {
                append();
            } else if (chosen % 4 == 2) {
                out_of_order();
            } else {
                batch();
            }
        } catch (const Gone &) {
        } catch (const Full &) {
            regions_.renew(slot, random());
        }
        // What a step has begun is durable when it ends, or was never written, or is in a region that was freed.
        progress_.acknowledged = number_;
    }

    void check(int result, const char *what) const
    {
        if (result == 0)
            return;
        if ((errno == ENOENT || errno == EINVAL) && regions_.life(*use_).state != Life::live)
            throw Gone{};
        if (errno == ENOSPC)
            throw Full{};
        throw Failure{what};
    }

    // The bytes of the next entry. They stay until the stream is closed: a mover may be copying them.
    const Bytes &next()
    {
        const std::uint32_t number = number_ + 1;
        progress_.life[number] = use_->life;
        progress_.begun = number_ = number;
        return kept_.emplace_back(Key{round_, index_, number, regions_.life(*use_).id}.bytes());
    }
    // It was not written.
    void take_back()
    {
        --number_;
        progress_.begun = number_;
    }

    void log(pmemstream_entry entry, std::uint32_t number, std::uint64_t before)
    {
        const std::uint64_t timestamp = pmemstream_entry_timestamp(stream_, entry);
        // Else what stands there may be another region's by now.
        if (regions_.life(*use_).state != Life::live)
            return;
        if (timestamp <= before)
            throw Failure{"a timestamp is not above what was persisted before"};
        progress_.timestamps[number] = timestamp;
    }

    void append()
    {
        const Bytes &bytes = next();
        const std::uint64_t before = pmemstream_persisted_timestamp(stream_);
        pmemstream_entry entry{};
        const int result = pmemstream_append(stream_, use_->region, use_->runtime, bytes.data(), bytes.size(), &entry);
        if (result != 0)
            take_back();
        check(result, "append");
        log(entry, number_, before);
    }

    // A reservation that nobody publishes: it is cancelled when the region is freed or the stream closed.
    void abandon()
    {
        pmemstream_entry entry{};
        void *place = nullptr;
        const std::size_t size = random() % 300;
        check(pmemstream_reserve(stream_, use_->region, use_->runtime, size, &entry, &place), "reserve");
        std::memset(place, 0x5a, size);
    }

    // Two reservations, the second one published first, and an entry appended behind the first while it is open.
    void out_of_order()
    {
        pmemstream_entry entries[2];
        const Bytes *bytes[2];
        std::uint32_t numbers[2];
        const std::size_t more = random() % 100;
        for (int i = 0; i < 2; ++i) {
            bytes[i] = &next();
            numbers[i] = number_;
            void *place = nullptr;
            const int result =
                pmemstream_reserve(stream_, use_->region, use_->runtime,
                                   bytes[i]->size() + (i == 0 ? more % 32 / 8 * 8 : 0), &entries[i], &place);
            if (result != 0)
                for (int j = 0; j <= i; ++j)
                    take_back();
            check(result, "reserve");
            std::memcpy(place, bytes[i]->data(), bytes[i]->size());
        }
        const std::uint64_t before = pmemstream_persisted_timestamp(stream_);
        bool full = false;
        for (const int i : {1, 0}) {
            const auto publish = i == 1 && more % 2 == 0 ? pmemstream_async_publish : pmemstream_publish;
            check(publish(stream_, use_->region, use_->runtime, entries[i], bytes[i]->size()), "publish");
            log(entries[i], numbers[i], before);
            if (i == 1 && more % 3 == 0) {
                try {
                    append();
                } catch (const Full &) {
                    full = true; // the first one is published all the same
                }
            }
        }
        if (full)
            throw Full{};
    }

    void batch()
    {
        const std::uint64_t before = pmemstream_persisted_timestamp(stream_);
        pmemstream_entry entry{};
        std::uint64_t last = 0;
        bool full = false;
        for (int i = 0; i < 4 && !full; ++i) {
            const Bytes &bytes = next();
            const int result = pmemstream_async_append(stream_, random() % 2 == 0 ? mover_ : nullptr, use_->region,
                                                       use_->runtime, bytes.data(), bytes.size(), &entry);
            if (result != 0)
                take_back();
            full = result != 0 && errno == ENOSPC;
            if (!full) {
                check(result, "async_append");
                log(entry, number_, before);
                last = std::max<std::uint64_t>(last, progress_.timestamps[number_]);
            }
        }
        auto wait = pmemstream_async_wait_persisted(stream_, last);
        FUTURE_BUSY_POLL(&wait);
        if (wait.output.error_code != 0)
            throw Failure{"wait"};
        if (full)
            throw Full{};
    }

    pmemstream *stream_;
    Progress &progress_;
    Regions &regions_;
    std::uint32_t round_;
    std::uint32_t index_;
    std::uint64_t random_;
    vdm *mover_;
    std::uint32_t number_;
    Use *use_ = nullptr;
    std::deque<Bytes> kept_;
};

const char *write(pmemstream *stream, Shared &shared, std::uint64_t seed, vdm *mover)
{
    std::atomic<const char *> why = nullptr;
    Regions regions(stream, shared);
    std::deque<Writer> all;
    for (std::uint32_t i = 0; i < writers; ++i)
        all.emplace_back(stream, shared, regions, i, mix(seed + i), mover);
    std::vector<std::thread> threads;
    for (Writer &writer : all)
        threads.emplace_back([&writer, &why] {
            try {
                writer.run();
            } catch (const Failure &failure) {
                why = failure.what;
            }
        });
    for (std::thread &thread : threads)
        thread.join();
    pmemstream_delete(&stream);
    ++shared.closes;
    return why;
}

} // namespace

const char *write_forever(const char *path, Shared &shared)
{
    data_mover_threads *mover = data_mover_threads_new(1, 64, FUTURE_NOTIFIER_WAKER);
    for (std::uint64_t session = 0;; ++session) {
        pmemstream *stream = nullptr;
        if (pmemstream_open(path, nullptr, &stream) != 0)
            return "open";
        try {
            const std::uint64_t seed = mix(shared.seed ^ mix(shared.round * 4096ULL + session));
            if (const char *why = write(stream, shared, seed, data_mover_threads_get_vdm(mover)))
                return why;
        } catch (const Failure &failure) {
            return failure.what;
        }
    }
}

} // namespace kill_test
