// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

#include "interleavings/mistakes.hpp"

#include "interleavings/campaign.hpp"
#include "interleavings/exploration.hpp"
#include "sync/planted.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
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
    {"", "", Planted::Kind::none, ""},
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

MistakesResult try_mistakes(int workers)
{
    constexpr int survived = 7;
    std::vector<Planted::Mistake> mistakes = all_mistakes();
    MistakesResult result;
    std::erase_if(mistakes, [&](const Planted::Mistake &mistake) {
        const Harmless *reason = harmless_of(mistake);
        if (reason == nullptr)
            return false;
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
                alarm(300); // who hangs is noticed
                std::_Exit(explore(mistakes[next]) ? 0 : survived);
            }
            running.emplace(child, next++);
            continue;
        }
        int status = 0;
        const pid_t child = wait(&status);
        const Planted::Mistake &mistake = mistakes[running.at(child)];
        running.erase(child);
        ++result.tried;
        if (!WIFEXITED(status) || WEXITSTATUS(status) != survived) {
            ++result.found;
            continue;
        }
        std::printf("not found: %s\n", describe(mistake).c_str());
        std::fflush(stdout);
    }
    return result;
}

int try_mistakes_at(const std::string &place)
{
    int tried = 0;
    for (const Planted::Mistake &mistake : all_mistakes()) {
        if (!to_string(mistake).starts_with(place))
            continue;
        ++tried;
        std::printf("%s\n", describe(mistake).c_str());
        if (const auto found = explore(mistake))
            std::printf("    found by %s on %s: %s\n    schedule %s\n", found->scenario->name,
                        name_of(found->granularity), found->violation.what.c_str(),
                        to_string(found->violation.deviations).c_str());
        else
            std::printf("    not found\n");
        std::fflush(stdout);
    }
    if (tried == 0)
        std::printf("nothing can go wrong at %s\n", place.c_str());
    return tried == 0 ? 2 : 0;
}

} // namespace interleavings
