// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// What is measured, told: as tables, as JSON, as a picture.
#pragma once

#include "contenders/settings.hpp"
#include "machine.hpp"
#include "results.hpp"
#include "workloads/workload.hpp"

#include <optional>
#include <string>
#include <vector>

namespace bench {

struct Report {
    Machine machine;
    Context context;
    std::vector<Setting> settings;
    double clock_overhead; // nanoseconds
    double others;         // cores that other processes used on average
    Results results;
};

// Of the rounds in which the thread had its core to itself.
struct Alone {
    Quartiles value;
    std::size_t rounds;
};

struct Measured {
    std::optional<Quartiles> all;
    std::optional<Alone> alone; // if there were enough of these rounds
};

// A figure that the library is to reach, and what was measured.
struct Wanted {
    std::string what;
    bool at_most; // else at least
    double bound;
    std::string unit; // empty for a ratio
    Measured measured;
};

// Null if it was not measured.
const Quartiles *find_value(const Results &results, const Case &of, const std::string &contender);
// Of the times of `contender` and `to`, whichever way it was taken.
std::optional<Quartiles> find_ratio(const Results &results, const Case &of, const std::string &contender,
                                    const std::string &to);
// The same with what was measured while the core was the thread's own.
Measured measured_value(const Results &results, const Case &of, const std::string &contender);
Measured measured_ratio(const Results &results, const Case &of, const std::string &contender, const std::string &to);
// The contenders of a workload, in the order in which they were measured.
std::vector<std::string> contenders_of(const Results &results, const std::string &workload);
// The cases of a workload, likewise.
std::vector<Case> cases_of(const Results &results, const std::string &workload);

std::vector<Wanted> wanted(const Results &results);

// With three digits that count, or more where it is whole.
std::string number(double value);
// Nanoseconds in the unit that suits them.
std::string duration(double nanoseconds);
std::string describe(const Machine &machine);
std::string describe_effort(const Report &report);
// With much of it the figures are theirs as well.
std::string describe_others(const Report &report);

std::string as_markdown(const Report &report);
std::string as_json(const Report &report);
std::string as_svg(const Report &report);

} // namespace bench
