// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

#include "interleavings/mistakes.hpp"

#include "interleavings/campaign.hpp"
#include "interleavings/exploration.hpp"
#include "sync/planted.hpp"

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <map>
#include <optional>
#include <string_view>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

namespace interleavings {
namespace {

using pms::scheduled::Planted;

// Mistakes that nobody can notice, each with the reason.
struct Harmless {
    std::string_view file;
    std::string_view code; // on the place's line
    Planted::Kind kind;
    std::string_view why;
};

constexpr Harmless harmless[] = {
    {"src/commit/commit.cpp",
     "sync::atomic_thread_fence(std::memory_order_seq_cst); // before the caller's look at the watermark",
     Planted::Kind::no_fence, "giving back the mutex is such a fence on x86-64, and here; C++ promises less"},
};

std::string line_of(const Planted::Mistake &mistake)
{
    std::ifstream file(std::string(PMEMSTREAM_SOURCE_DIR "/") + mistake.file);
    std::string line;
    for (std::uint32_t n = 0; n < mistake.line; ++n)
        std::getline(file, line);
    const auto begin = line.find_first_not_of(' ');
    return begin == std::string::npos ? "" : line.substr(begin);
}

const Harmless *harmless_of(const Planted::Mistake &mistake)
{
    const std::string line = line_of(mistake);
    const auto *const found = std::ranges::find_if(harmless, [&](const Harmless &one) {
        return one.file == mistake.file && one.code == line && one.kind == mistake.kind;
    });
    return found == std::end(harmless) ? nullptr : found;
}

std::string describe(const Planted::Mistake &mistake)
{
    return to_string(mistake) + ":  " + line_of(mistake);
}

// In seconds. A mistake that takes longer is not counted as found.
constexpr unsigned longest_exploration = 1200;

// Those that can be made in the library, found by running a little of everything.
std::vector<Planted::Mistake> all_mistakes()
{
    Planted::collect(true);
    for (const Scenario &scenario : scenarios())
        for (const pms::Granularity granularity : scenario.media)
            static_cast<void>(Exploration(scenario, granularity).explore({.preemptions = 1}, 100));
    Planted::collect(false);
    std::vector<Planted::Mistake> mistakes = Planted::collected();
    std::erase_if(mistakes, [](const Planted::Mistake &mistake) { return !mistake.file.starts_with("src/"); });
    return mistakes;
}

struct Finding {
    const Scenario *scenario;
    pms::Granularity granularity;
    Violation violation;
};

std::string describe(const Planted::Mistake &mistake, const Finding &finding)
{
    return describe(mistake) + "\n    found by " + finding.scenario->name + " on " + name_of(finding.granularity) +
           ": " + finding.violation.what + "\n    schedule " + to_string(finding.violation.deviations) + "\n";
}

std::optional<Finding> explore(const Planted::Mistake &mistake)
{
    Planted::set(mistake);
    const auto look = [](bool alone, auto bounds_of) -> std::optional<Finding> {
        for (const Scenario &scenario : scenarios())
            for (const pms::Granularity granularity : scenario.media)
                if (scenario.alone == alone)
                    for (const Bounds &bounds : scenario.*bounds_of)
                        if (auto violation = Exploration(scenario, granularity).explore(bounds))
                            return Finding{&scenario, granularity, *std::move(violation)};
        return std::nullopt;
    };
    // The protocol alone is the quickest.
    if (auto found = look(true, &Scenario::short_bounds))
        return found;
    if (auto found = look(false, &Scenario::short_bounds))
        return found;
    return look(true, &Scenario::bounds);
}

} // namespace

MistakesResult try_mistakes(int workers, const std::string &place)
{
    constexpr int survived = 7;
    std::vector<Planted::Mistake> mistakes = all_mistakes();
    MistakesResult result;
    std::erase_if(mistakes, [&](const Planted::Mistake &mistake) {
        if (!to_string(mistake).starts_with(place))
            return true;
        const Harmless *reason = harmless_of(mistake);
        if (reason == nullptr)
            return false;
        ++result.harmless;
        std::printf("harmless: %s\n    %.*s\n", describe(mistake).c_str(), static_cast<int>(reason->why.size()),
                    reason->why.data());
        return true;
    });
    std::map<pid_t, std::size_t> running;
    std::size_t next = 0;
    std::fflush(stdout);
    while (next < mistakes.size() || !running.empty()) {
        if (next < mistakes.size() && running.size() < static_cast<std::size_t>(workers)) {
            const pid_t child = fork();
            if (child == 0) {
                alarm(longest_exploration);
                const auto found = explore(mistakes[next]);
                std::printf("%s", found ? describe(mistakes[next], *found).c_str() : "");
                std::fflush(stdout);
                std::_Exit(found ? 0 : survived);
            }
            running.emplace(child, next++);
            continue;
        }
        int status = 0;
        const pid_t child = wait(&status);
        const std::string what = describe(mistakes[running.at(child)]);
        running.erase(child);
        ++result.tried;
        if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM)
            std::printf("undecided, takes too long: %s\n", what.c_str());
        else if (WIFEXITED(status) && WEXITSTATUS(status) == survived)
            std::printf("not found: %s\n", what.c_str());
        else
            ++result.found;
        if (WIFSIGNALED(status) && WTERMSIG(status) != SIGALRM)
            std::printf("%s\n    found by a crash, %s\n", what.c_str(), strsignal(WTERMSIG(status)));
        std::fflush(stdout);
    }
    return result;
}

} // namespace interleavings
