// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

#include "damage/mutants.hpp"

#include "damage/edit.hpp"
#include "damage/trial.hpp"
#include "medium/mutation.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <random>
#include <sys/wait.h>
#include <unistd.h>

namespace damage {
namespace {

using pms::Mutation;

struct Material {
    LiveImage image;
    std::vector<Edit> edits; // in no order
};

std::vector<Material> make_material()
{
    std::vector<Material> material;
    for (const Ending ending : {Ending::closed, Ending::killed, Ending::killed_async}) {
        LiveImage image = make_live_image(pms::Granularity::cache_line, 64, ending);
        std::vector<Edit> edits = edits_of(image, 1);
        // No checksum is tested in a file of another length, and every fifth bit meets each field.
        std::erase_if(edits, [](const Edit &edit) {
            return edit.kind == Kind::cut || (edit.kind == Kind::flipped && edit.at % 5 != 0);
        });
        std::ranges::shuffle(edits, std::mt19937_64(1));
        material.push_back({std::move(image), std::move(edits)});
    }
    return material;
}

// The sites that a part of it reaches.
std::vector<Mutation::Site> checks(const std::vector<Material> &material)
{
    constexpr std::size_t enough = 2000;
    Mutation::collect(true);
    for (const auto &[image, edits] : material) {
        Trial trial(image);
        for (std::size_t i = 0; i < std::min(enough, edits.size()); ++i)
            static_cast<void>(trial.judge(edits[i]));
    }
    std::vector<Mutation::Site> sites = Mutation::collected();
    Mutation::collect(false);
    std::erase_if(sites, [](const Mutation::Site &site) { return site.step != Mutation::Step::check; });
    return sites;
}

// Whether the sweep finds anything; prints what.
bool finds_any(const std::string &what, const std::vector<Material> &material)
{
    constexpr unsigned seconds = 600;
    alarm(seconds);
    for (const auto &[image, edits] : material) {
        Trial trial(image);
        for (const Edit &edit : edits) {
            const Verdict verdict = trial.judge(edit);
            if (verdict.outcome < Outcome::silent)
                continue;
            std::printf("%s: %s: %s %s: %s\n", what.c_str(), name_of(verdict.outcome), image.name.c_str(),
                        to_string(edit).c_str(), verdict.why.c_str());
            std::fflush(stdout);
            return true;
        }
    }
    return false;
}

} // namespace

int try_mutants(int workers)
{
    constexpr int survived = 7;
    const std::vector<Material> material = make_material();
    const std::vector<Mutation::Site> sites = checks(material);
    if (finds_any("nothing left out", material))
        return 1;
    std::map<pid_t, std::size_t> running;
    std::size_t next = 0;
    std::size_t killed = 0;
    std::fflush(stdout);
    while (next < sites.size() || !running.empty()) {
        if (next < sites.size() && running.size() < static_cast<std::size_t>(workers)) {
            const pid_t child = fork();
            if (child == 0) {
                Mutation::set(sites[next], Mutation::Kind::drop);
                std::_Exit(finds_any(to_string(sites[next]), material) ? 0 : survived);
            }
            running.emplace(child, next++);
            continue;
        }
        int status = 0;
        const pid_t child = wait(&status);
        const Mutation::Site &site = sites[running.at(child)];
        running.erase(child);
        if (WIFEXITED(status) && WEXITSTATUS(status) == survived) {
            std::printf("%s: survived\n", to_string(site).c_str());
            continue;
        }
        ++killed;
        if (WIFSIGNALED(status))
            std::printf("%s: the process died of signal %d\n", to_string(site).c_str(), WTERMSIG(status));
    }
    std::printf("checksum tests: %zu of %zu left out and noticed\n", killed, sites.size());
    return killed == sites.size() && killed != 0 ? 0 : 1;
}

} // namespace damage
