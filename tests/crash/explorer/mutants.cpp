// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

#include "crash/explorer/mutants.hpp"

#include "crash/explorer/campaign.hpp"
#include "medium/mutation.hpp"

#include <cstdio>
#include <cstdlib>
#include <map>
#include <sys/wait.h>
#include <unistd.h>

namespace explorer {
namespace {

using pms::Mutation;

enum class Fate : std::uint8_t { killed, survived, unreached };

Plan plan_for_mutants()
{
    return {
        .exhaustive = {{0, 1}, {1, 1}, {2, 1}, {3, 0}}, .random = {{8, 100, 1}}, .limits = {.images = 512, .torn = 16}};
}

std::vector<Mutation::Site> all_sites()
{
    Mutation::collect(true);
    for (const pms::Granularity granularity : all_media) {
        Campaign campaign(granularity,
                          {.exhaustive = {{1, 1}, {2, 1}}, .random = {{8, 30, 1}}, .limits = {.images = 64, .torn = 4}},
                          1);
        static_cast<void>(campaign.run_here());
    }
    std::vector<Mutation::Site> sites = Mutation::collected();
    Mutation::collect(false);
    std::erase_if(sites, [](const Mutation::Site &site) { return !site.file.starts_with("src/"); });
    return sites;
}

// In a process of its own.
[[noreturn]] void explore_mutant(const Mutation::Site &site, Mutation::Kind kind)
{
    bool reached = false;
    for (const pms::Granularity granularity : all_media) {
        Campaign campaign(granularity, plan_for_mutants(), 1);
        Mutation::set(site, kind);
        const auto violation = campaign.run_here();
        reached = reached || Mutation::reached();
        Mutation::clear();
        if (violation)
            std::_Exit(static_cast<int>(Fate::killed));
    }
    std::_Exit(static_cast<int>(reached ? Fate::survived : Fate::unreached));
}

} // namespace

MutantResult try_mutants(int workers)
{
    struct Mutant {
        Mutation::Site site;
        Mutation::Kind kind;
    };
    std::vector<Mutant> mutants;
    for (const Mutation::Site &site : all_sites()) {
        mutants.push_back({site, Mutation::Kind::drop});
        if (site.step == Mutation::Step::store)
            mutants.push_back({site, Mutation::Kind::delay});
    }
    MutantResult result;
    std::map<pid_t, std::size_t> running;
    std::size_t next = 0;
    std::fflush(stdout);
    while (next < mutants.size() || !running.empty()) {
        if (next < mutants.size() && running.size() < static_cast<std::size_t>(workers)) {
            const pid_t child = fork();
            if (child == 0)
                explore_mutant(mutants[next].site, mutants[next].kind);
            running.emplace(child, next++);
            continue;
        }
        int status = 0;
        const pid_t child = wait(&status);
        const Mutant &mutant = mutants[running.at(child)];
        running.erase(child);
        ++result.tried;
        // Dying or hanging is noticed, too.
        if (!WIFEXITED(status) || WEXITSTATUS(status) == static_cast<int>(Fate::killed)) {
            ++result.killed;
            continue;
        }
        std::printf("mutant survived: %s, %s\n", pms::to_string(mutant.site).c_str(),
                    mutant.kind == Mutation::Kind::drop ? "left out" : "too late");
        std::fflush(stdout);
    }
    return result;
}

} // namespace explorer
