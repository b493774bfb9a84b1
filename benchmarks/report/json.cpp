// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

#include "report/report.hpp"

#include <nlohmann/json.hpp>

namespace bench {
namespace {

using Json = nlohmann::ordered_json;

Json json_of(const Case &of)
{
    return {{"workload", of.workload}, {"size", of.size}, {"threads", of.threads}, {"entries", of.entries}};
}

void add_quartiles(Json &to, const Quartiles &value)
{
    to["low"] = value.low;
    to["median"] = value.median;
    to["high"] = value.high;
}

Json values_of(const Results &results)
{
    Json all = Json::array();
    for (const Value &value : results.values) {
        Json &one = all.emplace_back(json_of(value.of));
        one["contender"] = value.contender;
        one["unit"] = value.unit;
        add_quartiles(one, value.value);
    }
    return all;
}

Json ratios_of(const Results &results)
{
    Json all = Json::array();
    for (const Ratio &ratio : results.ratios) {
        Json &one = all.emplace_back(json_of(ratio.of));
        one["contender"] = ratio.contender;
        one["to"] = ratio.to;
        add_quartiles(one, ratio.value);
    }
    return all;
}

Json latencies_of(const Results &results)
{
    Json all = Json::array();
    for (const Latency &latency : results.latencies) {
        Json &one = all.emplace_back(json_of(latency.of));
        one["contender"] = latency.contender;
        one["unit"] = "ns";
        one["samples"] = latency.samples;
        Json &values = one["percentiles"] = Json::object();
        for (std::size_t i = 0; i < percentiles.size(); ++i)
            values[percentiles[i].name] = latency.nanoseconds[i];
    }
    return all;
}

Json wanted_of(const Results &results)
{
    Json all = Json::array();
    for (const Wanted &wanted : wanted(results)) {
        Json &one = all.emplace_back(
            Json{{"what", wanted.what}, {"relation", wanted.at_most ? "<=" : ">="}, {"bound", wanted.bound}});
        one["unit"] = wanted.unit;
        one["measured"] = nullptr;
        if (wanted.measured.all)
            add_quartiles(one["measured"], *wanted.measured.all);
        one["alone"] = nullptr;
        if (wanted.measured.alone) {
            add_quartiles(one["alone"], wanted.measured.alone->value);
            one["alone"]["rounds"] = wanted.measured.alone->rounds;
        }
    }
    return all;
}

} // namespace

std::string as_json(const Report &report)
{
    Json contenders = Json::array();
    for (const Setting &setting : report.settings)
        contenders.push_back({{"name", setting.contender}, {"settings", setting.text}});
    const Machine &machine = report.machine;
    const Context &context = report.context;
    const Json json = {
        {"machine",
         {{"processor", machine.processor},
          {"cores", machine.cores},
          {"kernel", machine.kernel},
          {"date", machine.date},
          {"cores_used_by_others", report.others}}},
        {"medium",
         {{"directory", context.medium.directory},
          {"stand_in", context.medium.stand_in},
          {"description", describe(context.medium)},
          {"bytes_each", context.medium.size}}},
        {"disk", {{"description", context.disk.description()}, {"bytes_each", context.disk.size}}},
        {"effort", {{"rounds", context.effort.rounds}, {"slice_ms", context.effort.slice_milliseconds}}},
        {"clock_overhead_ns", report.clock_overhead},
        {"contenders", contenders},
        {"wanted", wanted_of(report.results)},
        {"values", values_of(report.results)},
        {"ratios", ratios_of(report.results)},
        {"latencies", latencies_of(report.results)},
    };
    return json.dump(1) + "\n";
}

} // namespace bench
