// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

#include "report/report.hpp"

#include "core_share.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace bench {

namespace {

const Value *value_of(const Results &results, const Case &of, const std::string &contender)
{
    for (const Value &value : results.values)
        if (value.of == of && value.contender == contender)
            return &value;
    return nullptr;
}

Quartiles inverse(const Quartiles &value)
{
    return {1 / value.high, 1 / value.median, 1 / value.low};
}

std::optional<Alone> alone(const Rounds &rounds)
{
    constexpr std::size_t enough = 10;
    std::vector<double> values;
    for (std::size_t i = 0; i < rounds.values.size(); ++i)
        if (had_core_alone(rounds.probes[i]))
            values.push_back(rounds.values[i]);
    if (values.size() < enough)
        return std::nullopt;
    return Alone{quartiles_of(values), values.size()};
}

} // namespace

const Quartiles *find_value(const Results &results, const Case &of, const std::string &contender)
{
    const Value *const found = value_of(results, of, contender);
    return found != nullptr ? &found->value : nullptr;
}

std::optional<Quartiles> find_ratio(const Results &results, const Case &of, const std::string &contender,
                                    const std::string &to)
{
    return measured_ratio(results, of, contender, to).all;
}

Measured measured_value(const Results &results, const Case &of, const std::string &contender)
{
    const Value *const found = value_of(results, of, contender);
    return found != nullptr ? Measured{found->value, alone(found->rounds)} : Measured{};
}

Measured measured_ratio(const Results &results, const Case &of, const std::string &contender, const std::string &to)
{
    for (const Ratio &ratio : results.ratios) {
        if (ratio.of != of)
            continue;
        if (ratio.contender == contender && ratio.to == to)
            return {ratio.value, alone(ratio.rounds)};
        if (ratio.contender == to && ratio.to == contender) {
            std::optional<Alone> found = alone(ratio.rounds);
            if (found)
                found->value = inverse(found->value);
            return {inverse(ratio.value), found};
        }
    }
    return {};
}

std::vector<std::string> contenders_of(const Results &results, const std::string &workload)
{
    std::vector<std::string> found;
    for (const Value &value : results.values)
        if (value.of.workload == workload && std::find(found.begin(), found.end(), value.contender) == found.end())
            found.push_back(value.contender);
    return found;
}

std::vector<Case> cases_of(const Results &results, const std::string &workload)
{
    std::vector<Case> found;
    for (const Value &value : results.values)
        if (value.of.workload == workload && std::find(found.begin(), found.end(), value.of) == found.end())
            found.push_back(value.of);
    return found;
}

std::string number(double value)
{
    const double size = std::abs(value);
    if (value == std::floor(value))
        return fmt::format("{:.0f}", value);
    return fmt::format("{:.{}f}", value, size >= 99.95 ? 0 : size >= 9.995 ? 1 : 2);
}

std::string duration(double nanoseconds)
{
    if (nanoseconds < 1e3)
        return number(nanoseconds) + " ns";
    if (nanoseconds < 1e6)
        return number(nanoseconds / 1e3) + " µs";
    return number(nanoseconds / 1e6) + " ms";
}

std::string describe(const Machine &machine)
{
    return fmt::format("{}, {} {}, {}, {} UTC", machine.processor, machine.cores, machine.cores == 1 ? "core" : "cores",
                       machine.kernel, machine.date);
}

std::string describe_effort(const Report &report)
{
    return fmt::format("Medians of {} rounds, in brackets the quartiles. In each round every contender runs a slice of "
                       "{} ms, and ratios are those of the same round. Each has {} MiB of memory, all touched before.",
                       report.context.effort.rounds, report.context.effort.slice_milliseconds,
                       report.context.medium.size >> 20);
}

std::string describe_others(const Report &report)
{
    constexpr double much = 0.1;
    return fmt::format("Meanwhile other processes used {:.1f} cores{}", report.others,
                       report.others > much ? ": these figures are of a busy machine." : ".");
}

} // namespace bench
