// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

#include "crash/explorer/mutants.hpp"

#include "crash/explorer/campaign.hpp"
#include "medium/mutation.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>
#include <string_view>
#include <sys/wait.h>
#include <unistd.h>

namespace explorer {
namespace {

using pms::Mutation;

struct Mutant {
    Mutation::Site site;
    Mutation::Kind kind;
};

// Mutants that no crash can tell from the library, each with the reason.
struct Equivalent {
    std::string_view file;
    std::string_view code; // on the site's line
    Mutation::Kind kind;
    std::string_view why;
};

constexpr Equivalent equivalents[] = {
    {"src/stream/open.cpp", "medium.store(0, format::magic);", Mutation::Kind::delay,
     "opening goes on with a recovery, whose flush and fence of all metadata come before anything is acknowledged"},
    {"src/stream/publish.cpp", "medium_.zero(pending.begin, format::record_header_size);", Mutation::Kind::drop,
     "what may stand in its place is no record of this life of the region; the zeros are for pmemstream_entry_data() "
     "of "
     "a reservation (api_c.reserve)"},
    {"src/stream/publish.cpp", "medium_.zero(pending.begin, format::record_header_size);", Mutation::Kind::delay,
     "likewise"},
    {"src/region/region.cpp", "write_offset(offsetof(format::RegionHeader, hole_begin), 0);", Mutation::Kind::drop,
     "behind a hole that a crash tears records only have higher timestamps, so none is accepted; old hole words hide "
     "damage, "
     "and then only of what is not in front of the checkpoint"},
    {"src/region/region.cpp", "write_offset(offsetof(format::RegionHeader, hole_begin), 0);", Mutation::Kind::delay,
     "likewise"},
    {"src/region/region.cpp", "write_offset(offsetof(format::RegionHeader, hole_end), 0);", Mutation::Kind::drop,
     "likewise"},
    {"src/region/region.cpp", "write_offset(offsetof(format::RegionHeader, hole_end), 0);", Mutation::Kind::delay,
     "likewise"},
    {"src/stream/regions.cpp", "flush.add(span.offset, sizeof header);", Mutation::Kind::drop,
     "the header is one line with the span's word, which is stored later: stores to a line survive in their order. On "
     "pages, where that does not hold, adding to the range is no site, and the sync is one"},
    {"src/stream/regions.cpp", "if (failed(flush.wait())) // of the checkpoints", Mutation::Kind::drop,
     "the old checkpoints are as right as the new ones, which the thread's next fence makes durable"},
};

std::string line_of(const Mutation::Site &site)
{
    std::ifstream file(std::string(PMEMSTREAM_SOURCE_DIR "/") + site.file);
    std::string line;
    for (std::uint32_t n = 0; n < site.line; ++n)
        std::getline(file, line);
    const auto begin = line.find_first_not_of(' ');
    return begin == std::string::npos ? "" : line.substr(begin);
}

const Equivalent *equivalent_of(const Mutant &mutant)
{
    const std::string line = line_of(mutant.site);
    const auto *const found = std::ranges::find_if(equivalents, [&](const Equivalent &equivalent) {
        return equivalent.file == mutant.site.file && equivalent.code == line && equivalent.kind == mutant.kind;
    });
    return found == std::end(equivalents) ? nullptr : found;
}

std::string describe(const Mutant &mutant)
{
    return pms::to_string(mutant.site) + (mutant.kind == Mutation::Kind::drop ? " left out" : " too late") + ":  " +
           line_of(mutant.site);
}

Plan plan_for_mutants()
{
    return {
        .exhaustive = {{0, 1}, {1, 1}, {2, 1}, {3, 0}}, .random = {{8, 100, 1}}, .limits = {.images = 512, .torn = 16}};
}

std::vector<Mutant> all_mutants()
{
    Mutation::collect(true);
    for (const pms::Granularity granularity : all_media) {
        Campaign campaign(granularity,
                          {.exhaustive = {{1, 1}, {2, 1}}, .random = {{8, 30, 1}}, .limits = {.images = 64, .torn = 4}},
                          1);
        static_cast<void>(campaign.run_here());
    }
    const std::vector<Mutation::Site> sites = Mutation::collected();
    Mutation::collect(false);
    std::vector<Mutant> mutants;
    for (const Mutation::Site &site : sites) {
        if (!site.file.starts_with("src/"))
            continue;
        mutants.push_back({site, Mutation::Kind::drop});
        if (site.step == Mutation::Step::store)
            mutants.push_back({site, Mutation::Kind::delay});
    }
    return mutants;
}

// Tells what was found first, if anything.
std::optional<Violation> explore(const Mutant &mutant)
{
    for (const pms::Granularity granularity : all_media) {
        Campaign campaign(granularity, plan_for_mutants(), 1);
        Mutation::set(mutant.site, mutant.kind);
        auto violation = campaign.run_here();
        Mutation::clear();
        if (violation)
            return violation;
    }
    return std::nullopt;
}

} // namespace

MutantResult try_mutants(int workers)
{
    constexpr int survived = 7;
    std::vector<Mutant> mutants = all_mutants();
    MutantResult result;
    std::erase_if(mutants, [&](const Mutant &mutant) {
        const Equivalent *equivalent = equivalent_of(mutant);
        if (equivalent == nullptr)
            return false;
        ++result.equivalent;
        std::printf("mutant is equivalent: %s\n    %.*s\n", describe(mutant).c_str(),
                    static_cast<int>(equivalent->why.size()), equivalent->why.data());
        return true;
    });
    std::map<pid_t, std::size_t> running;
    std::size_t next = 0;
    std::fflush(stdout);
    while (next < mutants.size() || !running.empty()) {
        if (next < mutants.size() && running.size() < static_cast<std::size_t>(workers)) {
            const pid_t child = fork();
            if (child == 0)
                std::_Exit(explore(mutants[next]) ? 0 : survived);
            running.emplace(child, next++);
            continue;
        }
        int status = 0;
        const pid_t child = wait(&status);
        const Mutant &mutant = mutants[running.at(child)];
        running.erase(child);
        ++result.tried;
        // Dying or hanging is noticed, too.
        if (!WIFEXITED(status) || WEXITSTATUS(status) != survived) {
            ++result.killed;
            continue;
        }
        std::printf("mutant survived: %s\n", describe(mutant).c_str());
        std::fflush(stdout);
    }
    return result;
}

int try_mutants_at(const std::string &place)
{
    int tried = 0;
    for (const Mutant &mutant : all_mutants()) {
        if (!pms::to_string(mutant.site).starts_with(place))
            continue;
        ++tried;
        std::printf("%s\n", describe(mutant).c_str());
        if (const auto violation = explore(mutant))
            std::printf("    killed by program '%s': %s\n", violation->program.c_str(), violation->what.c_str());
        else
            std::printf("    survived\n");
    }
    if (tried == 0)
        std::printf("no store, flush, fence or check at %s was reached\n", place.c_str());
    return tried == 0 ? 2 : 0;
}

} // namespace explorer
