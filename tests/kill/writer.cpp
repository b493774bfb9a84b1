// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// The process that is killed.

#include "protocol.hpp"

#include <algorithm>
#include <cerrno>
#include <thread>

namespace kill_test {
namespace {

struct Failure {
    const char *what;
};

class Writer {
public:
    Writer(pmemstream *stream, Shared &shared, std::uint32_t index, vdm *mover)
        : stream_(stream), progress_(shared.writer[index]), round_(static_cast<std::uint32_t>(shared.round)),
          index_(index), random_(mix(shared.seed ^ (shared.round * 64 + index))),
          mover_(mover), region_{progress_.region}
    {}

    void run()
    {
        if (region_.offset == UINT64_MAX)
            allocate();
        while (number_ + 16 < max_logged)
            step();
        throw Failure{"nobody killed it"};
    }

private:
    using Bytes = std::vector<std::byte>;

    std::uint64_t random() { return random_ = mix(random_); }
    Key next() const { return {round_, index_, number_ + 1}; }

    void allocate()
    {
        // Now and then beyond the steps in which the library moves its bounds.
        const std::size_t size = random() % 4 == 0 ? 1500000 : 20000 + random() % 300000;
        if (pmemstream_region_allocate(stream_, size, &region_) != 0)
            throw Failure{"region_allocate"};
    }

    void step()
    {
        const Bytes bytes[4] = {next().bytes(), Key{round_, index_, number_ + 2}.bytes(),
                                Key{round_, index_, number_ + 3}.bytes(), Key{round_, index_, number_ + 4}.bytes()};
        std::size_t all = 0;
        for (const Bytes &one : bytes)
            all += one.size() + 24;
        if (pmemstream_region_usable_size(stream_, region_) < all)
            return renew();
        switch (random() % 4) {
        case 0:
        case 1:
            append(bytes[0]);
            return acknowledge();
        case 2:
            return out_of_order(bytes);
        case 3:
            return batch(bytes);
        }
    }

    void renew()
    {
        progress_.freeing_up_to = number_;
        ++progress_.frees_begun;
        if (pmemstream_region_free(stream_, region_) != 0)
            throw Failure{"region_free"};
        ++progress_.frees_done;
        progress_.freed_up_to = number_;
        allocate();
    }

    void log(pmemstream_entry entry, std::uint64_t number)
    {
        progress_.timestamps[number] = pmemstream_entry_timestamp(stream_, entry);
    }

    void append(const Bytes &bytes)
    {
        pmemstream_entry entry{};
        if (pmemstream_append(stream_, region_, nullptr, bytes.data(), bytes.size(), &entry) != 0)
            throw Failure{"append"};
        log(entry, ++number_);
    }

    // Two reservations, the second one published first, and an entry appended behind the first while it is open.
    void out_of_order(const Bytes (&bytes)[4])
    {
        pmemstream_entry entries[2];
        void *places[2];
        const std::size_t more = random() % 100;
        for (int i = 0; i < 2; ++i)
            if (pmemstream_reserve(stream_, region_, nullptr, bytes[i].size() + (i == 0 ? more % 32 / 8 * 8 : 0),
                                   &entries[i], &places[i]) != 0)
                throw Failure{"reserve"};
        const std::uint64_t first = number_ + 1;
        number_ += 2;
        for (int i : {1, 0}) {
            std::memcpy(places[i], bytes[i].data(), bytes[i].size());
            const bool later = i == 1 && more % 2 == 0;
            const int result = later ? pmemstream_async_publish(stream_, region_, nullptr, entries[i], bytes[i].size())
                                     : pmemstream_publish(stream_, region_, nullptr, entries[i], bytes[i].size());
            if (result != 0)
                throw Failure{"publish"};
            log(entries[i], first + static_cast<std::uint64_t>(i));
            if (i == 1 && more % 3 == 0)
                append(bytes[2]);
        }
        acknowledge();
    }

    void batch(const Bytes (&bytes)[4])
    {
        pmemstream_entry entry{};
        for (const Bytes &one : bytes) {
            if (pmemstream_async_append(stream_, random() % 2 == 0 ? mover_ : nullptr, region_, nullptr, one.data(),
                                        one.size(), &entry) != 0)
                throw Failure{"async_append"};
            log(entry, ++number_);
        }
        auto wait = pmemstream_async_wait_persisted(stream_, progress_.timestamps[number_]);
        FUTURE_BUSY_POLL(&wait);
        if (wait.output.error_code != 0)
            throw Failure{"wait"};
        acknowledge();
    }

    void acknowledge() { progress_.acknowledged = number_; }

    pmemstream *stream_;
    Progress &progress_;
    std::uint32_t round_;
    std::uint32_t index_;
    std::uint64_t random_;
    vdm *mover_;
    pmemstream_region region_;
    std::uint64_t number_ = 0;
};

} // namespace

const char *write_forever(const char *path, Shared &shared)
{
    pmemstream *stream = nullptr;
    if (pmemstream_open(path, nullptr, &stream) != 0)
        return "open";
    data_mover_threads *mover = data_mover_threads_new(1, 64, FUTURE_NOTIFIER_WAKER);
    std::atomic<const char *> why = nullptr;
    std::vector<std::thread> threads;
    for (std::uint32_t i = 0; i < writers; ++i)
        threads.emplace_back([&, i] {
            try {
                Writer(stream, shared, i, data_mover_threads_get_vdm(mover)).run();
            } catch (const Failure &failure) {
                why = failure.what;
            }
        });
    for (std::thread &thread : threads)
        thread.join();
    return why;
}

} // namespace kill_test
