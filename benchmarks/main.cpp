// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// Measures libpmemstream beside the machine's floor and what else there is.

#include "clock.hpp"
#include "failure.hpp"
#include "options.hpp"
#include "report/report.hpp"

#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <fstream>

namespace bench {
namespace {

void write_file(const std::string &path, const std::string &text)
{
    if (path.empty())
        return;
    std::ofstream file(path);
    file << text;
    file.close();
    require(!file.fail(), "cannot write " + path);
}

void run(const Options &options)
{
    tell_libraries(options.context.medium);
    heed_interrupts();
    Report report = {.machine = this_machine(),
                     .context = options.context,
                     .settings = contender_settings(),
                     .clock_overhead = clock_overhead_nanoseconds(),
                     .others = 0,
                     .results = {}};
    const Others others;
    for (const Workload &workload : options.workloads) {
        fmt::print(stderr, "{}: {}\n", workload.name, workload.what);
        workload.run(options.context, report.results);
    }
    report.others = others.cores();
    const std::string tables = as_markdown(report);
    fmt::print("{}", tables);
    write_file(options.markdown, tables);
    write_file(options.json, as_json(report));
    write_file(options.svg, as_svg(report));
}

} // namespace
} // namespace bench

int main(int argc, char **argv)
try {
    bench::run(bench::parse_options(argc, argv));
    return EXIT_SUCCESS;
} catch (const std::exception &error) {
    fmt::print(stderr, "pmemstream_bench: {}\n", error.what());
    return EXIT_FAILURE;
}
