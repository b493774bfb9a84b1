// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

#include "workloads/workload.hpp"

#include "failure.hpp"

#include <algorithm>
#include <array>
#include <random>

namespace bench {

const std::vector<Workload> &workloads()
{
    static const std::vector<Workload> all = {
        {"sync", "synchronous appends of 8 bytes to 64 KiB", run_sync},
    };
    return all;
}

const std::byte *entry_data()
{
    struct alignas(64) Data {
        std::array<std::byte, largest_entry> bytes;
    };
    static const auto data = [] {
        auto made = std::make_unique<Data>();
        std::mt19937 random;
        for (std::byte &byte : made->bytes)
            byte = static_cast<std::byte>(random());
        return made;
    }();
    return data->bytes.data();
}

Runner append_runner(const std::string &name, Log &log, std::size_t size)
{
    return {name, log.capacity(size), [&log, size](std::uint64_t count) { log.make_room(size, count); },
            [&log, size](std::uint64_t count) {
                const Ticks begin = ticks();
                log.append(entry_data(), size, count);
                return static_cast<double>(ticks() - begin) * nanoseconds_per_tick();
            }};
}

const Series &series_of(const std::vector<Series> &series, const std::string &name)
{
    const auto found = std::find_if(series.begin(), series.end(), [&](const Series &s) { return s.name == name; });
    require(found != series.end(), "nobody measured: " + name);
    return *found;
}

Series fastest(const std::vector<Series> &series, const std::vector<std::string> &names, const std::string &name)
{
    const auto best = std::min_element(names.begin(), names.end(), [&](const std::string &a, const std::string &b) {
        return series_of(series, a).quartiles().median < series_of(series, b).quartiles().median;
    });
    return {name, series_of(series, *best).rounds};
}

} // namespace bench
