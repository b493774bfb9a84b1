// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

#include "contenders/pmemstream.hpp"
#include "failure.hpp"
#include "workloads/contest.hpp"
#include "workloads/workload.hpp"

#include <fmt/format.h>

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>

namespace bench {
namespace {

constexpr std::size_t open_entry_size = 64;
constexpr std::uint64_t region_count = 100;
// Entries that a writer appends to each region before it is killed. Of the 1.6 MB the library has the last some hundred
// KiB to look at.
constexpr std::uint64_t entries_before_kill = 200;

// What opening took, in milliseconds.
struct Opening {
    std::vector<double> map;
    std::vector<double> from_map;
    std::vector<double> append;
    std::vector<double> both;
    std::vector<double> recovered;
};

std::vector<pmemstream_region> regions_of(pmemstream *stream)
{
    std::vector<pmemstream_region> regions;
    pmemstream_region_iterator *iterator = nullptr;
    if (pmemstream_region_iterator_new(&iterator, stream) != 0)
        fail_in_pmemstream("region_iterator_new");
    pmemstream_region_iterator_seek_first(iterator);
    for (; pmemstream_region_iterator_is_valid(iterator) == 0; pmemstream_region_iterator_next(iterator))
        regions.push_back(pmemstream_region_iterator_get(iterator));
    pmemstream_region_iterator_delete(&iterator);
    return regions;
}

// A stream with so many entries in its regions, cleanly closed.
class ClosedStream {
public:
    ClosedStream(const std::string &directory, std::uint64_t entries, std::uint64_t openings)
        : file_(directory, file_size(entries, openings))
    {
        const Stream stream(map_file(file_));
        for (std::uint64_t i = 0; i < region_count; ++i) {
            Region region(stream.get(), region_size(entries, openings));
            make_async_appends(region, batch_size)->append(entry_data(), open_entry_size, entries / region_count);
        }
    }

    // Appends to all regions in turn, in a process that then kills itself.
    void write_and_kill() const
    {
        const pid_t writer = fork();
        require(writer >= 0, "fork failed");
        if (writer == 0) {
            write_until_killed();
            _exit(1);
        }
        int status = 0;
        waitpid(writer, &status, 0);
        require(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "the writer was not killed");
    }

    void open_once(Opening &opening) const
    {
        const Ticks begin = ticks();
        Map map = map_file(file_);
        const Ticks mapped = ticks();
        const Stream stream(std::move(map));
        const Ticks opened = ticks();
        append_to_first(stream.get());
        const Ticks appended = ticks();
        const auto milliseconds = [](Ticks from, Ticks to) {
            return static_cast<double>(to - from) * nanoseconds_per_tick() * 1e-6;
        };
        opening.map.push_back(milliseconds(begin, mapped));
        opening.from_map.push_back(milliseconds(mapped, opened));
        opening.append.push_back(milliseconds(opened, appended));
        opening.both.push_back(milliseconds(mapped, appended));
        opening.recovered.push_back(static_cast<double>(stream.info().recovered_entries));
    }

private:
    static std::uint64_t region_size(std::uint64_t entries, std::uint64_t openings)
    {
        constexpr std::uint64_t entry_footprint = 80;
        // Openings append to the first region only, and half of them come after a kill.
        return (entries / region_count + openings * (entries_before_kill + 1)) * entry_footprint;
    }
    static std::uint64_t file_size(std::uint64_t entries, std::uint64_t openings)
    {
        return 16384 + region_count * (region_size(entries, openings) + 2 * Stream::block_size);
    }

    static void append_to_first(pmemstream *stream)
    {
        pmemstream_region_iterator *iterator = nullptr;
        if (pmemstream_region_iterator_new(&iterator, stream) != 0)
            fail_in_pmemstream("region_iterator_new");
        pmemstream_region_iterator_seek_first(iterator);
        const pmemstream_region region = pmemstream_region_iterator_get(iterator);
        pmemstream_region_iterator_delete(&iterator);
        if (pmemstream_append(stream, region, nullptr, entry_data(), open_entry_size, nullptr) != 0)
            fail_in_pmemstream("append");
    }

    void write_until_killed() const
    try {
        const Stream stream(map_file(file_));
        const std::vector<pmemstream_region> regions = regions_of(stream.get());
        for (std::uint64_t i = 0; i < entries_before_kill; ++i)
            for (const pmemstream_region region : regions)
                if (pmemstream_append(stream.get(), region, nullptr, entry_data(), open_entry_size, nullptr) != 0)
                    fail_in_pmemstream("append");
        std::raise(SIGKILL);
    } catch (const std::exception &failure) {
        fmt::print(stderr, "writer: {}\n", failure.what());
    }

    File file_;
};

void add_opening(Results &results, std::uint64_t entries, const char *when, const Opening &opening)
{
    const Case of = {"open", open_entry_size, 1, entries};
    const auto add = [&](const char *what, const char *unit, const std::vector<double> &values) {
        results.values.push_back({of, fmt::format("{}{}", when, what), unit, quartiles_of(values)});
    };
    add("", "ms", opening.both);
    add(", opening", "ms", opening.from_map);
    add(", first append", "ms", opening.append);
    add(", mapping by libpmem2 before", "ms", opening.map);
    add(", entries recovered", "entries", opening.recovered);
}

} // namespace

void run_open(const Context &context, Results &results)
{
    const std::uint64_t rounds = std::min<std::uint64_t>(context.effort.rounds, 21);
    const std::uint64_t many = context.brief ? 26000 : 2600000;
    for (const std::uint64_t entries : {std::uint64_t{1000}, many}) {
        const ClosedStream stream(context.medium.directory, entries, 2 * rounds);
        Opening clean;
        Opening killed;
        for (std::uint64_t i = 0; i < rounds; ++i) {
            throw_if_interrupted();
            stream.open_once(clean);
            stream.write_and_kill();
            stream.open_once(killed);
        }
        add_opening(results, entries, name::opened_clean, clean);
        add_opening(results, entries, name::opened_killed, killed);
    }
}

} // namespace bench
