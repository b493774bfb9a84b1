// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// Runs the interleavings of a few threads one by one. Its last line tells the result; it fails if there is a violation.

#include "interleavings/campaign.hpp"
#include "interleavings/exploration.hpp"
#include "interleavings/mistakes.hpp"

#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <stdexcept>
#include <sys/random.h>

// Every stream gets the same UUID, so that the same schedule always gives the same images.
extern "C" ssize_t getrandom(void *buffer, size_t size, unsigned)
{
    std::memset(buffer, 0x5a, size);
    return static_cast<ssize_t>(size);
}

#if defined(__SANITIZE_THREAD__)
// The scheduler's and the scenarios' memory passes through memcpy() and the like as well (sync/untracked.hpp).
extern "C" [[gnu::visibility("default")]] const char *__tsan_default_options()
{
    return "ignore_interceptors_accesses=1:report_thread_leaks=0";
}
// errno, which is one for all threads of a scheduler. It changes hands with them.
extern "C" [[gnu::visibility("default")]] const char *__tsan_default_suppressions()
{
    return "race_top:call<\nrace_top:pms::api::fail\n";
}
#endif

namespace {

using namespace interleavings;

[[noreturn]] void usage()
{
    std::fputs("usage: interleavings [--short] [--scenario NAME] [--workers N] [--seed N]\n"
               "       interleavings --scenario NAME --medium byte|cache_line|page --replay SCHEDULE\n"
               "       interleavings --mistakes [--workers N]\n"
               "       interleavings --mistakes-at FILE[:LINE] [--workers N]\n"
               "       interleavings --list\n",
               stderr);
    std::exit(2);
}

struct Arguments {
    Plan plan;
    bool list = false;
    std::optional<std::string> mistakes; // at places that begin so
    std::optional<pms::Granularity> medium;
    std::optional<Deviations> replay;
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
            arguments.plan.brief = true;
        } else if (name == "--workers") {
            arguments.plan.workers = std::max(1, std::atoi(value().c_str()));
        } else if (name == "--seed") {
            arguments.plan.seed = std::strtoull(value().c_str(), nullptr, 10);
        } else if (name == "--scenario") {
            arguments.plan.scenario = value();
            if (find_scenario(arguments.plan.scenario) == nullptr)
                usage();
        } else if (name == "--medium") {
            const std::string medium = value();
            for (const auto granularity :
                 {pms::Granularity::byte, pms::Granularity::cache_line, pms::Granularity::page})
                if (medium == name_of(granularity))
                    arguments.medium = granularity;
            if (!arguments.medium)
                usage();
        } else if (name == "--replay") {
            try {
                arguments.replay = parse_deviations(value());
            } catch (const std::invalid_argument &) {
                usage();
            }
        } else if (name == "--mistakes") {
            arguments.mistakes = "";
        } else if (name == "--mistakes-at") {
            arguments.mistakes = value();
        } else if (name == "--list") {
            arguments.list = true;
        } else {
            usage();
        }
    }
    if (arguments.replay && (arguments.plan.scenario.empty() || !arguments.medium))
        usage();
    return arguments;
}

int replay(const Arguments &arguments)
{
    Exploration exploration(*find_scenario(arguments.plan.scenario), *arguments.medium);
    const auto violation = exploration.replay(*arguments.replay);
    std::printf("%s\n", violation ? violation->what.c_str() : "nothing is wrong");
    return violation ? 1 : 0;
}

} // namespace

int main(int argc, char **argv)
{
    const Arguments arguments = parse(argc, argv);
    if (arguments.list) {
        for (const Scenario &scenario : scenarios())
            std::printf("%-20s %s\n", scenario.name, scenario.what);
        return 0;
    }
    if (arguments.replay)
        return replay(arguments);
    if (arguments.mistakes) {
        const MistakesResult result = try_mistakes(arguments.plan.workers, *arguments.mistakes);
        if (result.tried == 0 && result.harmless == 0) {
            std::fprintf(stderr, "nothing can go wrong at %s\n", arguments.mistakes->c_str());
            return 2;
        }
        std::printf("interleavings: %zu/%zu mistakes found\n", result.found, result.tried);
        return result.found == result.tried ? 0 : 1;
    }
    const CampaignResult result = run_campaign(arguments.plan);
    std::printf("interleavings: %" PRIu64 " schedules, %" PRIu64 " crash states, %" PRIu64 " violations\n",
                result.counters.schedules, result.counters.crash_states, result.violations);
    return result.violations == 0 ? 0 : 1;
}
