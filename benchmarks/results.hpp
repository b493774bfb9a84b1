// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// What the workloads measure, and the reports show.
#pragma once

#include "statistics.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace bench {

// What was measured: entries of that many bytes, by so many threads.
struct Case {
    std::string workload;
    std::size_t size = 0;
    unsigned threads = 1;
    bool operator==(const Case &) const = default;
};

struct Value {
    Case of;
    std::string contender;
    std::string unit;
    Quartiles value;
};

// Of two times that were measured in the same rounds.
struct Ratio {
    Case of;
    std::string contender;
    std::string to;
    Quartiles value;
};

struct Results {
    std::vector<Value> values;
    std::vector<Ratio> ratios;

    void add(const Case &of, const std::string &contender, const std::string &unit, const Quartiles &value)
    {
        values.push_back({of, contender, unit, value});
    }
    void add_ratio(const Case &of, const std::string &contender, const std::string &to, const Quartiles &value)
    {
        ratios.push_back({of, contender, to, value});
    }
};

} // namespace bench
