// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

#include "report/chart.hpp"
#include "report/report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <limits>

namespace bench {
namespace {

constexpr double page_width = 1020;
constexpr double page_margin = 20;
constexpr double chart_height = 400;
constexpr double head_height = 96;

// The colours of Okabe and Ito, which people who see few colours can tell apart.
struct Look {
    const char *contender;
    const char *colour;
    const char *dashes;
};
constexpr Look looks[] = {
    {name::pmemstream, "#0072b2", ""}, {name::own_regions, "#0072b2", ""},    {name::one_region, "#0072b2", "6 4"},
    {name::floor, "#555555", ""},      {name::pmemlog, "#d55e00", ""},        {name::pmemlog_own, "#d55e00", ""},
    {"RocksDB", "#009e73", ""},        {name::pmemlog_one, "#d55e00", "6 4"}, {"LevelDB", "#cc79a7", ""},
    {"LMDB", "#e69f00", ""},
};

Line line_of(const std::string &contender, const std::string &label)
{
    const auto *const look =
        std::find_if(std::begin(looks), std::end(looks), [&](const Look &one) { return contender == one.contender; });
    if (look == std::end(looks))
        return {label, "#000000", "", {}};
    return {label, look->colour, look->dashes, {}};
}

// Of the y of all points.
std::pair<double, double> range_of(const std::vector<Line> &lines)
{
    double low = std::numeric_limits<double>::max();
    double high = 0;
    for (const Line &line : lines)
        for (const auto &[x, y] : line.points) {
            low = std::min(low, y);
            high = std::max(high, y);
        }
    return {low, high};
}

std::vector<Line> latency_lines(const Results &results)
{
    std::vector<Line> lines;
    for (const Latency &latency : results.latencies) {
        if (latency.of.workload != "latency" || latency.of.threads != 1)
            continue;
        Line &line = lines.emplace_back(line_of(latency.contender, latency.contender));
        for (std::size_t i = 0; i < percentiles.size(); ++i)
            line.points.emplace_back(static_cast<double>(i), latency.nanoseconds[i]);
    }
    return lines;
}

std::vector<Line> thread_lines(const Results &results)
{
    std::vector<Line> lines;
    for (const std::string &contender : contenders_of(results, "threads")) {
        Line &line = lines.emplace_back(line_of(contender, contender));
        for (const Case &of : cases_of(results, "threads"))
            if (const Quartiles *value = find_value(results, of, contender))
                line.points.emplace_back(of.threads, 1e3 / value->median);
    }
    return lines;
}

void add_size_line(std::vector<Line> &lines, const Results &results, const std::string &workload, Line line,
                   const std::string &contender)
{
    for (const Case &of : cases_of(results, workload))
        if (const Quartiles *value = find_value(results, of, contender))
            line.points.emplace_back(static_cast<double>(of.size), value->median);
    if (!line.points.empty())
        lines.push_back(std::move(line));
}

std::vector<Line> size_lines(const Report &report)
{
    const Results &results = report.results;
    std::vector<Line> lines;
    add_size_line(lines, results, "sync", line_of(name::pmemstream, "pmemstream"), name::pmemstream);
    add_size_line(lines, results, "sync", line_of(name::floor, "floor"), name::floor);
    add_size_line(lines, results, "sync", line_of(name::pmemlog, "libpmemlog"), name::pmemlog);
    for (const Setting &setting : report.settings)
        if (!setting.contender.starts_with(name::floor) && setting.contender != name::pmemstream &&
            setting.contender != name::pmemlog)
            add_size_line(lines, results, "sync", line_of(setting.contender, setting.contender), setting.contender);
    add_size_line(lines, results, "reserve", {"pmemstream, reserve + publish", "#56b4e9", "6 4", {}}, name::pmemstream);
    add_size_line(lines, results, "async", {"pmemstream, async, batches of 256", "#56b4e9", "", {}}, name::pmemstream);
    return lines;
}

Axis percentile_axis()
{
    Axis axis = {"percentile", false, {}};
    for (std::size_t i = 0; i < percentiles.size(); ++i)
        axis.marks.push_back({static_cast<double>(i), percentiles[i].name});
    return axis;
}

Axis thread_axis()
{
    Axis axis = {"threads", true, {}};
    for (const int threads : {1, 2, 4, 8, 16})
        axis.marks.push_back({static_cast<double>(threads), std::to_string(threads)});
    return axis;
}

Axis size_axis()
{
    return {"bytes of data in an entry",
            true,
            {{8, "8"}, {64, "64"}, {256, "256"}, {1024, "1 Ki"}, {4096, "4 Ki"}, {16384, "16 Ki"}, {65536, "64 Ki"}}};
}

// Those of the charts whose workloads ran.
std::vector<Chart> charts_of(const Report &report)
{
    std::vector<Chart> charts;
    if (std::vector<Line> lines = latency_lines(report.results); !lines.empty()) {
        const auto [low, high] = range_of(lines);
        charts.push_back({"Latency of a synchronous append of 64 bytes, one thread", percentile_axis(),
                          duration_axis("time of one append", low, high), std::move(lines)});
    }
    if (std::vector<Line> lines = thread_lines(report.results); !lines.empty()) {
        const double high = range_of(lines).second;
        charts.push_back(
            {fmt::format("Throughput of synchronous appends of 64 bytes, on {} cores", report.machine.cores),
             thread_axis(), linear_axis("million appends per second", high), std::move(lines)});
    }
    if (std::vector<Line> lines = size_lines(report); !lines.empty()) {
        const auto [low, high] = range_of(lines);
        charts.push_back({"Time per append, by the size of the entry, one thread", size_axis(),
                          duration_axis("median time per append", low, high), std::move(lines)});
    }
    return charts;
}

} // namespace

std::string as_svg(const Report &report)
{
    const std::vector<Chart> charts = charts_of(report);
    const double height = head_height + static_cast<double>(charts.size()) * chart_height + page_margin;
    std::string svg =
        fmt::format(R"(<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {0} {1}" width="{0}" height="{1}" )"
                    R"(font-family="Helvetica, Arial, 'DejaVu Sans', sans-serif" font-size="13" fill="#111111">)"
                    "\n"
                    R"(<rect width="100%" height="100%" fill="#ffffff"/>)"
                    "\n",
                    page_width, height);
    double line = 30;
    for (const std::string &text :
         {describe(report.machine), describe(report.context.medium), describe_others(report)}) {
        svg += draw_text(page_margin, line, text);
        line += 20;
    }
    double top = head_height;
    for (const Chart &chart : charts) {
        svg += draw(chart, page_margin, top, page_width - 2 * page_margin, chart_height);
        top += chart_height;
    }
    return svg + "</svg>\n";
}

} // namespace bench
