// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

#include "workloads/contest.hpp"

#include <algorithm>
#include <array>
#include <random>
#include <utility>

namespace bench {
namespace {

Runner append_runner(const std::string &name, Log &log, std::size_t size, std::uint64_t batch)
{
    return {.name = name,
            .capacity = log.capacity(size) / batch,
            .prepare = [&log, size, batch](std::uint64_t count) { log.make_room(size, count * batch); },
            .run =
                [&log, size, batch](std::uint64_t count) {
                    const Ticks begin = ticks();
                    log.append(entry_data(), size, count * batch);
                    return static_cast<double>(ticks() - begin) * nanoseconds_per_tick();
                },
            .entries = batch};
}

} // namespace

const std::byte *entry_data()
{
    struct alignas(64) Data {
        std::array<std::byte, largest_entry> bytes;
    };
    static const auto data = [] {
        auto made = std::make_unique<Data>();
        std::mt19937 random; // NOLINT(bugprone-random-generator-seed): the same for everybody, each time
        for (std::byte &byte : made->bytes)
            byte = static_cast<std::byte>(random());
        return made;
    }();
    return data->bytes.data();
}

void Contest::add(const std::string &name, LogPtr log, std::uint64_t batch)
{
    contenders_.push_back({name, std::move(log), batch});
}

void Contest::add_if_there(const std::string &name, LogPtr log)
{
    if (log)
        add(name, std::move(log));
}

void Contest::add_floors(const std::string &name, const Medium &medium, FloorStores by_16, FloorStores by_32)
{
    Group group = {name, {}};
    for (const auto &[suffix, stores] : {std::pair(", 16-byte stores", by_16), std::pair(", 32-byte stores", by_32)}) {
        if (!available(stores))
            continue;
        group.members.push_back(name + suffix);
        add(group.members.back(), make_floor(medium, stores));
    }
    groups_.push_back(std::move(group));
}

void Contest::run(const Case &of, const std::string &subject, const Effort &effort, Results &results)
{
    std::vector<Runner> runners;
    for (const Contender &contender : contenders_)
        runners.push_back(append_runner(contender.name, *contender.log, of.size, contender.batch));
    std::vector<Series> series = measure(runners, effort);
    for (const Group &group : groups_)
        series.push_back(fastest(series, group.members, group.name));

    const Series subject_series = series_of(series, subject);
    for (const Series &one : series) {
        results.values.push_back({of, one.name, "ns", one.quartiles(), one.rounds});
        if (one.name == subject)
            continue;
        Rounds rounds = ratios(subject_series, one);
        const Quartiles quartiles = quartiles_of(rounds.values);
        results.ratios.push_back({of, subject, one.name, quartiles, std::move(rounds)});
    }
}

} // namespace bench
