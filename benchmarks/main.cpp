// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

#include "measure.hpp"
#include "workloads/workload.hpp"

#include <fmt/format.h>

#include <cstdio>
#include <exception>

int main(int argc, char **argv)
try {
    bench::heed_interrupts();
    bench::Context context;
    bench::force_stand_in();
    bench::Results results;
    for (const bench::Workload &workload : bench::workloads())
        if (argc < 2 || workload.name == argv[1])
            workload.run(context, results);
    for (const bench::Value &value : results.values)
        fmt::print("{} {:>5} {:>2} {:40} {:8.1f} {} ({:.1f} to {:.1f})\n", value.of.workload, value.of.size,
                   value.of.threads, value.contender, value.value.median, value.unit, value.value.low,
                   value.value.high);
    for (const bench::Ratio &value : results.ratios)
        fmt::print("{} {:>5} {:>2} {} to {:40} {:.2f} ({:.2f} to {:.2f})\n", value.of.workload, value.of.size,
                   value.of.threads, value.contender, value.to, value.value.median, value.value.low, value.value.high);
    for (const auto &l : results.latencies)
        fmt::print("{} {} {:30}: {:.0f}\n", l.of.threads, l.samples, l.contender, fmt::join(l.nanoseconds, " "));
    return 0;
} catch (const std::exception &error) {
    fmt::print(stderr, "pmemstream_bench: {}\n", error.what());
    return 1;
}
