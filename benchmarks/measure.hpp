// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// Measures contenders side by side: in each round each of them runs a short slice, so that what the machine does
// besides meets all of them alike; the ratio of two is taken within a round.
#pragma once

#include "statistics.hpp"

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace bench {

struct Runner {
    std::string name;
    // How many operations the longest slice may have.
    std::uint64_t capacity;
    // Makes ready for a slice of so many operations. Not timed.
    std::function<void(std::uint64_t)> prepare;
    // Runs so many operations; returns the time they took in nanoseconds.
    std::function<double(std::uint64_t)> run;
    // How many entries an operation is: one for each thread, or a batch.
    std::uint64_t entries = 1;
    // How long a slice is to be, as a multiple of Effort::slice_milliseconds.
    double slices = 1;
    // Called when the slices that count begin.
    std::function<void()> begin = [] {};
};

struct Effort {
    std::uint64_t rounds = 200;
    double slice_milliseconds = 2;
};

// Nanoseconds per entry, round by round.
struct Series {
    std::string name;
    Rounds rounds;
    Quartiles quartiles() const { return quartiles_of(rounds.values); }
};

std::vector<Series> measure(const std::vector<Runner> &runners, const Effort &effort);

const Series &series_of(const std::vector<Series> &series, const std::string &name);
// The one with the lowest median among those of these names, by the name that is given to it.
Series fastest(const std::vector<Series> &series, const std::vector<std::string> &names, const std::string &name);

// Of the times: below 1, `of` is faster than `to`.
Rounds ratios(const Series &of, const Series &to);
Quartiles ratio(const Series &of, const Series &to);

// Ends the program between two slices when somebody interrupts it, so that it tidies up.
void heed_interrupts();
void throw_if_interrupted();

} // namespace bench
