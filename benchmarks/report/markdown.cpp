// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

#include "report/grid.hpp"
#include "report/report.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace bench {
namespace {

std::string with_quartiles(const Quartiles &value)
{
    if (value.low == value.high)
        return number(value.median);
    return fmt::format("{} ({} to {})", number(value.median), number(value.low), number(value.high));
}

std::string cell(const Quartiles *value)
{
    return value != nullptr ? number(value->median) : "";
}

std::string cell(const std::optional<Quartiles> &value)
{
    return value ? with_quartiles(*value) : "";
}

// Whoever copies a table takes along what stood in for what.
std::string section(const Report &report, const std::string &title, const Grid &grid, const std::string &note = "")
{
    if (grid.empty())
        return "";
    const std::string medium = report.context.medium.stand_in ? "Ordinary memory stands in for persistent memory."
                                                              : describe(report.context.medium);
    return fmt::format("### {}\n\n{}{}\n\n{}\n", title, note.empty() ? "" : note + " ", medium, grid.str());
}

std::string wanted_section(const Report &report)
{
    Grid grid({"", "wanted", "measured", "on a core of its own", "rounds of these"}, 1);
    for (const Wanted &one : wanted(report.results)) {
        const auto &[all, alone] = one.measured;
        if (!all)
            continue;
        const std::string unit = one.unit.empty() ? "" : " " + one.unit;
        grid.add({one.what, fmt::format("{} {:g}{}", one.at_most ? "<=" : ">=", one.bound, unit),
                  with_quartiles(*all) + unit, alone ? with_quartiles(alone->value) + unit : "",
                  alone ? std::to_string(alone->rounds) : ""});
    }
    return section(report, "What was wanted", grid,
                   "On a core of its own: of what one thread does in memory, the rounds in which a loop of additions, "
                   "timed before and after each slice, took at most a tenth longer than ever. In the others something "
                   "else, maybe another virtual machine, had a part of the core.");
}

struct Comparison {
    std::string contender;
    std::string to;
    std::string heading;
};

// A row for each case: the times of the contenders, without the floors' variants, and some ratios.
std::string times_section(const Report &report, const std::string &workload, const std::string &title,
                          const std::vector<Comparison> &comparisons)
{
    const Results &results = report.results;
    std::vector<std::string> contenders = contenders_of(results, workload);
    std::erase_if(contenders, [](const std::string &name) { return name.ends_with("-byte stores"); });
    const auto rank = [](const std::string &name) {
        return name == name::pmemstream ? 0 : name == name::floor ? 1 : name.starts_with(name::floor) ? 2 : 3;
    };
    std::stable_sort(contenders.begin(), contenders.end(),
                     [&](const std::string &a, const std::string &b) { return rank(a) < rank(b); });

    std::vector<std::string> header = {"bytes"};
    header.insert(header.end(), contenders.begin(), contenders.end());
    for (const Comparison &comparison : comparisons)
        header.push_back(comparison.heading);
    Grid grid(header, 0);
    for (const Case &of : cases_of(results, workload)) {
        std::vector<std::string> row = {std::to_string(of.size)};
        for (const std::string &contender : contenders)
            row.push_back(cell(find_value(results, of, contender)));
        for (const Comparison &comparison : comparisons)
            row.push_back(cell(find_ratio(results, of, comparison.contender, comparison.to)));
        grid.add(row);
    }
    return section(report, title, grid);
}

std::string threads_section(const Report &report)
{
    const Results &results = report.results;
    const std::vector<std::string> contenders = contenders_of(results, "threads");
    std::vector<std::string> header = {"threads"};
    header.insert(header.end(), contenders.begin(), contenders.end());
    header.insert(header.end(), {"own regions to one thread", "one region to one thread"});
    Grid grid(header, 0);
    for (const Case &of : cases_of(results, "threads")) {
        std::vector<std::string> row = {std::to_string(of.threads)};
        for (const std::string &contender : contenders)
            row.push_back(cell(find_value(results, of, contender)));
        for (const char *contender : {name::own_regions, name::one_region})
            row.push_back(cell(find_ratio(results, of, contender, name::one_thread)));
        grid.add(row);
    }
    return section(report, "Synchronous appends of 64 bytes by several threads, ns per append over all of them", grid,
                   "Wall time from the first thread's start to the last one's end, divided by the appends of all.");
}

Grid latency_grid(const Results &results, const std::string &workload)
{
    std::vector<std::string> header = {"threads", "contender"};
    for (const Percentile &percentile : percentiles)
        header.push_back(percentile.name);
    header.emplace_back("appends");
    Grid grid(header, 2);
    for (const Latency &latency : results.latencies) {
        if (latency.of.workload != workload)
            continue;
        std::vector<std::string> row = {std::to_string(latency.of.threads), latency.contender};
        for (const double nanoseconds : latency.nanoseconds)
            row.push_back(duration(nanoseconds));
        row.push_back(std::to_string(latency.samples));
        grid.add(row);
    }
    return grid;
}

std::string latency_section(const Report &report)
{
    return section(report, "Latency of synchronous appends of 64 bytes, percentiles",
                   latency_grid(report.results, "latency"),
                   fmt::format("From the end of one append to the end of the next. Each has {} in it, the median of "
                               "two looks at the clock one after the other.",
                               duration(report.clock_overhead)));
}

// What an append takes, and how many of them fit into one write and sync.
std::string files_section(const Report &report)
{
    const Results &results = report.results;
    Grid grid({"threads", "contender", "µs per append", "appends in one write + fdatasync"}, 2);
    for (const Case &of : cases_of(results, "files"))
        for (const std::string &contender : contenders_of(results, "files"))
            if (const Quartiles *value = find_value(results, of, contender)) {
                const auto ratio = find_ratio(results, of, name::raw, contender);
                grid.add({std::to_string(of.threads), contender, number(value->median / 1e3), cell(ratio)});
            }
    if (grid.empty())
        return "";
    return fmt::format("### Synchronous appends of 1 KiB to files on a disk\n\nIn {}, synced to its device. The time "
                       "from the first thread's start to the last one's end, divided by the appends of all; slices and "
                       "their number differ from those above: a quarter of the rounds, each 25 times as long.\n\n{}\n"
                       "### Latency of these, percentiles\n\n{}\n",
                       report.context.disk.description(), grid.str(), latency_grid(results, "files").str());
}

std::string iterate_section(const Report &report)
{
    Grid grid({"", "ns"}, 1);
    for (const Case &of : cases_of(report.results, "iterate"))
        for (const std::string &contender : contenders_of(report.results, "iterate"))
            if (const Quartiles *value = find_value(report.results, of, contender))
                grid.add({contender, with_quartiles(*value)});
    return section(report, "Iterating over entries of 64 bytes, ns per entry", grid,
                   fmt::format("Over {} MiB, in cache over 256 KiB. The floor goes from header to header, no more.",
                               report.context.medium.size >> 20));
}

std::string open_section(const Report &report)
{
    const Results &results = report.results;
    Grid grid({"entries", "", "opening + first append", "opening", "first append", "mapping before", "recovered"}, 2);
    for (const Case &of : cases_of(results, "open"))
        for (const std::string when : {name::opened_clean, name::opened_killed}) {
            const Quartiles *both = find_value(results, of, when);
            if (both == nullptr)
                continue;
            grid.add({std::to_string(of.entries), when, with_quartiles(*both),
                      cell(find_value(results, of, when + ", opening")),
                      cell(find_value(results, of, when + ", first append")),
                      cell(find_value(results, of, when + ", mapping by libpmem2 before")),
                      cell(find_value(results, of, when + ", entries recovered"))});
        }
    return section(report, "Opening, ms", grid,
                   "pmemstream_from_map, then the first region from an iterator and an append to it: what a user "
                   "waits for, absent pages included. Making the libpmem2 map is told apart. The entries of 64 bytes "
                   "lie in 100 regions; the killed process had written to all of them in turn.");
}

std::string space_section(const Report &report)
{
    Grid grid({"", "bytes"}, 1);
    for (const Case &of : cases_of(report.results, "space"))
        grid.add({fmt::format("entry of {} bytes", of.size), cell(find_value(report.results, of, name::pmemstream))});
    return section(report, "Space", grid);
}

std::string settings_section(const Report &report)
{
    std::string text = "### Who is who\n\n";
    for (const Setting &setting : report.settings)
        text += fmt::format("- **{}**: {}\n", setting.contender, setting.text);
    return text;
}

} // namespace

std::string as_markdown(const Report &report)
{
    std::string text = fmt::format("{}. {}\n\n{}\n\n{}\n\n", describe(report.machine), describe_others(report),
                                   describe(report.context.medium), describe_effort(report));
    text += wanted_section(report);
    text += times_section(report, "sync", "Synchronous appends, ns",
                          {{name::pmemstream, name::floor, "to the floor"},
                           {name::pmemlog, name::pmemstream, "libpmemlog to pmemstream"}});
    text += times_section(
        report, "reserve", "Reserve, write in place, publish, ns",
        {{name::pmemstream, name::floor, "to the floor"}, {name::pmemstream, name::cached, "to stores and flushes"}});
    text += times_section(report, "async", "Asynchronous appends, a wait for every 256, ns per entry",
                          {{name::pmemstream, name::floor, "to the floor of a sync append"},
                           {name::pmemstream, name::batch, "to the floor of a batch"}});
    text += threads_section(report);
    text += latency_section(report);
    text += files_section(report);
    text += iterate_section(report);
    text += open_section(report);
    text += space_section(report);
    text += settings_section(report);
    return text;
}

} // namespace bench
