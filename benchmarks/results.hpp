// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// What the workloads measure, and the reports show.
#pragma once

#include "statistics.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace bench {

// What was measured: entries of that many bytes, by so many threads; 0 where that means nothing.
struct Case {
    std::string workload;
    std::size_t size = 0;
    unsigned threads = 1;
    std::uint64_t entries = 0; // there before
    bool operator==(const Case &) const = default;
};

struct Value {
    Case of;
    std::string contender;
    std::string unit;
    Quartiles value;
    Rounds rounds{}; // of what one thread does, without a system call
};

// Of two times that were measured in the same rounds; below 1 the contender is the faster one.
struct Ratio {
    Case of;
    std::string contender;
    std::string to;
    Quartiles value;
    Rounds rounds{}; // likewise
};

struct Percentile {
    const char *name;
    double part;
};
inline constexpr std::array<Percentile, 5> percentiles = {
    {{"50", 0.5}, {"90", 0.9}, {"99", 0.99}, {"99.9", 0.999}, {"max", 1}}};

struct Latency {
    Case of;
    std::string contender;
    std::uint64_t samples;
    std::array<double, percentiles.size()> nanoseconds;
};

struct Results {
    std::vector<Value> values;
    std::vector<Ratio> ratios;
    std::vector<Latency> latencies;
};

} // namespace bench
