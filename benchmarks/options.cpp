// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

#include "options.hpp"

#include "contenders/peers.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

namespace bench {
namespace {

constexpr int bad_usage = 2;

std::vector<std::string> names_of(const std::vector<Workload> &all)
{
    std::vector<std::string> names;
    for (const Workload &workload : all)
        names.push_back(workload.name);
    return names;
}

} // namespace

Options parse_options(int argc, char **argv)
{
    CLI::App app("Measures libpmemstream beside the machine's floor and what else there is.", "pmemstream_bench");
    Options options;
    Context &context = options.context;
    std::vector<std::string> only;
    std::size_t megabytes = context.medium.size >> 20;
    bool persistent = false;
    bool list = false;

    CLI::Option *rounds = app.add_option("--rounds", context.effort.rounds, "Rounds that each workload has")
                              ->check(CLI::Range(1, 100000))
                              ->capture_default_str();
    CLI::Option *memory = app.add_option("--memory", megabytes, "MiB of memory that each contender has")
                              ->check(CLI::Range(4, 1 << 20))
                              ->capture_default_str();
    app.add_option("--only", only, "Run these workloads only")->check(CLI::IsMember(names_of(workloads())));
    app.add_flag("--list", list, "Print the workloads");
    app.add_flag("--peers", context.peers,
                 "RocksDB, LevelDB, LMDB and SQLite take part everywhere, not only on a disk");
    app.add_flag("--short", context.brief, "Run everything for a moment only, to see that it works");
    app.add_option("--json", options.json, "Write everything there is to this file");
    app.add_option("--markdown", options.markdown, "Write the tables to this file, too");
    app.add_option("--svg", options.svg, "Draw the picture into this file");
    CLI::Option *directory = app.add_option("--directory", context.medium.directory, "Where the contenders' files lie")
                                 ->check(CLI::ExistingDirectory)
                                 ->capture_default_str();
    app.add_option("--disk", context.disk.directory, "Where the files lie that are synced to a device")
        ->check(CLI::ExistingDirectory)
        ->capture_default_str();
    app.add_flag("--persistent", persistent, "The directory is on persistent memory: nothing stands in for it")
        ->needs(directory);
    try {
        app.parse(argc, argv);
        if (context.peers && built_peers().empty())
            throw CLI::ValidationError("--peers", "this program was built without any: scripts/deps.sh bench");
    } catch (const CLI::ParseError &error) {
        std::exit(app.exit(error) == 0 ? EXIT_SUCCESS : bad_usage);
    }
    if (list) {
        for (const Workload &workload : workloads())
            fmt::print("{:8} {}\n", workload.name, workload.what);
        std::exit(EXIT_SUCCESS);
    }

    if (context.brief) {
        context.effort.slice_milliseconds = 0.1;
        if (rounds->count() == 0)
            context.effort.rounds = 3;
        if (memory->count() == 0)
            megabytes = 4;
    }
    context.medium.size = megabytes << 20;
    context.disk.size = context.medium.size;
    context.medium.stand_in = !persistent;
    for (const Workload &workload : workloads())
        if (only.empty() || std::find(only.begin(), only.end(), workload.name) != only.end())
            options.workloads.push_back(workload);
    return options;
}

} // namespace bench
