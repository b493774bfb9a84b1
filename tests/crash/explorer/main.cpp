// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// Explores crash states, and breaks the library to see that it would notice. Its last line tells the result; it fails
// if there is a violation or a mutant that survives without being listed as equivalent.

#include "crash/explorer/campaign.hpp"
#include "crash/explorer/mutants.hpp"

#include <chrono>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <sys/random.h>

// Every stream gets the same UUID, so that the same program always gives the same images.
extern "C" ssize_t getrandom(void *buffer, size_t size, unsigned)
{
    std::memset(buffer, 0x5a, size);
    return static_cast<ssize_t>(size);
}

namespace {

using namespace explorer;

[[noreturn]] void usage()
{
    std::fputs("usage: crash_explorer [--short] [--no-mutants] [--workers N] [--seed N]\n"
               "       crash_explorer --medium byte|cache_line|page --program LETTERS [--depth N]\n"
               "       crash_explorer --mutants-at FILE[:LINE]\n",
               stderr);
    std::exit(2);
}

struct Arguments {
    bool brief = false;
    bool mutants = true;
    int workers = 2;
    std::uint64_t seed = 1;
    std::optional<pms::Granularity> medium;
    std::optional<Program> program;
    std::optional<std::string> mutants_at;
    int depth = 2;
};

Arguments parse(int argc, char **argv)
{
    Arguments arguments;
    for (int i = 1; i < argc; ++i) {
        const std::string name = argv[i];
        const auto value = [&]() -> std::string {
            if (++i == argc)
                usage();
            return argv[i];
        };
        if (name == "--short") {
            arguments.brief = true;
        } else if (name == "--no-mutants") {
            arguments.mutants = false;
        } else if (name == "--workers") {
            arguments.workers = std::max(1, std::atoi(value().c_str()));
        } else if (name == "--seed") {
            arguments.seed = std::strtoull(value().c_str(), nullptr, 10);
        } else if (name == "--depth") {
            arguments.depth = std::atoi(value().c_str());
        } else if (name == "--medium") {
            const std::string medium = value();
            for (const pms::Granularity granularity : all_media)
                if (medium == name_of(granularity))
                    arguments.medium = granularity;
            if (!arguments.medium)
                usage();
        } else if (name == "--mutants-at") {
            arguments.mutants_at = value();
        } else if (name == "--program") {
            arguments.program = value();
            if (const auto why = why_not_a_program(*arguments.program)) {
                std::fprintf(stderr, "crash_explorer: %s\n", why->c_str());
                std::exit(2);
            }
        } else {
            usage();
        }
    }
    if (arguments.program.has_value() != arguments.medium.has_value())
        usage();
    return arguments;
}

} // namespace

int main(int argc, char **argv)
{
    const Arguments arguments = parse(argc, argv);
    if (arguments.mutants_at)
        return try_mutants_at(*arguments.mutants_at);
    if (arguments.program)
        return replay(*arguments.medium, *arguments.program, arguments.depth);

    std::uint64_t states = 0;
    std::uint64_t violations = 0;
    double seconds = 0;
    for (const pms::Granularity granularity : all_media) {
        Campaign campaign(granularity, arguments.brief ? short_plan() : full_plan(), arguments.seed);
        campaign.run(arguments.workers);
        campaign.report();
        states += campaign.states();
        violations += campaign.violations();
        seconds += campaign.seconds();
    }
    std::printf("all media: %" PRIu64 " distinct states in %.0f s, %.0f a second\n", states, seconds,
                static_cast<double>(states) / std::max(seconds, 1e-9));
    MutantResult mutants;
    if (arguments.mutants)
        mutants = try_mutants(arguments.workers);
    std::printf("crash: %" PRIu64 " states, %" PRIu64 " violations, %zu/%zu mutants killed\n", states, violations,
                mutants.killed, mutants.tried);
    return violations == 0 && mutants.killed == mutants.tried ? 0 : 1;
}
