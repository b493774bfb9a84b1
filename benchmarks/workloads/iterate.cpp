// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

#include "contenders/pmemstream.hpp"
#include "failure.hpp"
#include "workloads/contest.hpp"
#include "workloads/workload.hpp"

#include <cerrno>
#include <cstring>

namespace bench {
namespace {

constexpr std::size_t iterate_entry_size = 64;
constexpr std::size_t cached_region_size = 256 * 1024;

// Where the sums go that keep the compiler from leaving out what is measured.
volatile std::uint64_t sink;

// A region full of entries, and an iterator that goes over it again and again.
class FullRegion {
public:
    FullRegion(pmemstream *stream, std::size_t size) : region_(stream, size)
    {
        const LogPtr log = make_async_appends(region_, batch_size);
        log->append(entry_data(), iterate_entry_size, log->capacity(iterate_entry_size));
        if (pmemstream_entry_iterator_new(&iterator_, stream, region_.get()) != 0)
            fail_in_pmemstream("entry_iterator_new");
        pmemstream_entry_iterator_seek_first(iterator_);
    }
    FullRegion(const FullRegion &) = delete;
    FullRegion &operator=(const FullRegion &) = delete;
    ~FullRegion() { pmemstream_entry_iterator_delete(&iterator_); }

    // `look` is given each entry and gives a number.
    template <typename Look>
    Runner runner(const std::string &name, Look look)
    {
        return {.name = name,
                .capacity = UINT64_MAX,
                .prepare = [](std::uint64_t) {},
                .run =
                    [this, look](std::uint64_t count) {
                        const Ticks begin = ticks();
                        sink = walk(count, look);
                        return static_cast<double>(ticks() - begin) * nanoseconds_per_tick();
                    }};
    }

private:
    template <typename Look>
    std::uint64_t walk(std::uint64_t count, Look look)
    {
        std::uint64_t sum = 0;
        for (std::uint64_t i = 0; i < count; ++i) {
            if (pmemstream_entry_iterator_is_valid(iterator_) != 0) {
                require(errno == ENOENT, "an iterator met damage");
                pmemstream_entry_iterator_seek_first(iterator_);
            }
            sum += look(region_.stream(), pmemstream_entry_iterator_get(iterator_));
            pmemstream_entry_iterator_next(iterator_);
        }
        return sum;
    }

    Region region_;
    pmemstream_entry_iterator *iterator_ = nullptr;
};

// No functions, of which the loop would call a pointer.
constexpr auto look_at_entry = [](pmemstream *, pmemstream_entry entry) { return entry.offset; };

constexpr auto look_at_data = [](pmemstream *stream, pmemstream_entry entry) {
    const std::size_t size = pmemstream_entry_size(stream, entry);
    const auto *word = static_cast<const std::uint64_t *>(pmemstream_entry_data(stream, entry));
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < size / sizeof *word; ++i)
        sum += word[i];
    return sum;
};

// Goes from header to header of the same entries, and does nothing besides.
class HeaderWalk {
public:
    explicit HeaderWalk(const Medium &medium)
        : map_(map_touched(medium)), begin_(static_cast<const std::byte *>(pmem2_map_get_address(map_.get())))
    {
        const LogPtr log = make_floor(map_.get(), 0, medium.size, FloorStores::packed_16);
        const std::uint64_t entries = log->capacity(iterate_entry_size);
        log->append(entry_data(), iterate_entry_size, entries);
        end_ = begin_ + entries * (header_size + iterate_entry_size);
    }

    Runner runner(const std::string &name)
    {
        return {.name = name,
                .capacity = UINT64_MAX,
                .prepare = [](std::uint64_t) {},
                .run =
                    [this](std::uint64_t count) {
                        const Ticks begin = ticks();
                        for (std::uint64_t i = 0; i < count; ++i) {
                            if (place_ == nullptr || place_ == end_)
                                place_ = begin_;
                            std::uint64_t size = 0;
                            std::memcpy(&size, place_, sizeof size);
                            place_ += header_size + size;
                        }
                        sink = reinterpret_cast<std::uintptr_t>(place_);
                        return static_cast<double>(ticks() - begin) * nanoseconds_per_tick();
                    }};
    }

private:
    Map map_;
    const std::byte *begin_;
    const std::byte *end_;
    const std::byte *place_ = nullptr;
};

} // namespace

void run_iterate(const Context &context, Results &results)
{
    Stream stream(map_touched(context.medium));
    FullRegion small(stream.get(), cached_region_size);
    FullRegion large(stream.get(), stream.largest_region_size());
    HeaderWalk floor(context.medium);
    const std::vector<Series> series =
        measure({large.runner(name::pmemstream, look_at_entry), large.runner(name::reading, look_at_data),
                 small.runner(name::in_cache, look_at_entry), floor.runner(name::floor)},
                context.effort);
    for (const Series &one : series)
        results.values.push_back({{"iterate", iterate_entry_size}, one.name, "ns", one.quartiles(), one.rounds});
}

} // namespace bench
