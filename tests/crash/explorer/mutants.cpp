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
    {"src/stream/open.cpp", "medium.copy(8, reinterpret_cast<const std::byte *>(&first) + 8, sizeof first - 8);",
     Mutation::Kind::spill, "behind a new superblock nothing is stored yet"},
    {"src/stream/open.cpp", "medium.copy(format::superblock_offset(1), &second, sizeof second);", Mutation::Kind::spill,
     "likewise"},
    {"src/stream/regions.cpp",
     "medium_.copy(span.offset + sizeof header.span, reinterpret_cast<const std::byte *>(&header) + sizeof "
     "header.span,",
     Mutation::Kind::spill, "behind a new region's header nothing is stored yet"},
    {"src/stream/publish.cpp", "medium_.zero(entry, format::record_header_size);", Mutation::Kind::drop,
     "what may stand in its place is no record of this life of the region; the zeros are for pmemstream_entry_data() "
     "of "
     "a reservation (api_c.reserve)"},
    {"src/stream/publish.cpp", "medium_.zero(entry, format::record_header_size);", Mutation::Kind::delay, "likewise"},
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
    {"src/stream/recovery.cpp",
     "write_word<OffsetWord>(medium, geometry, format::stream_size_offset(copy), geometry.stream_size);",
     Mutation::Kind::drop, "it matters when the other copy is damaged later (crash.Growing)"},
    {"src/stream/recovery.cpp",
     "write_word<OffsetWord>(medium, geometry, format::stream_size_offset(copy), geometry.stream_size);",
     Mutation::Kind::delay, "likewise"},
    {"src/stream/recovery.cpp", "write_word<OffsetWord>(medium, geometry, format::growth_offset, medium.size());",
     Mutation::Kind::drop,
     "it mends a damage, and explored programs are not damaged before they are recovered (crash.Growing)"},
    {"src/stream/recovery.cpp", "write_word<OffsetWord>(medium, geometry, format::growth_offset, medium.size());",
     Mutation::Kind::delay, "likewise"},
    {"src/stream/recovery.cpp", "return write_durably<OffsetWord>(medium, geometry, format::durability_offset,",
     Mutation::Kind::drop, "the streams that are explored keep their durability; others are in crash.Process"},
    {"src/stream/recovery.cpp", "return write_durably<OffsetWord>(medium, geometry, format::durability_offset,",
     Mutation::Kind::delay, "likewise"},
    {"src/stream/append.cpp", "medium_.stream(offset, header.first, header.second); // and the data behind it",
     Mutation::Kind::spill,
     "behind the header comes the entry's own data, which is stored next; explored entries have some"},
    {"src/stream/open.cpp", "medium.zero(8, format::min_metadata_size - 8);", Mutation::Kind::drop,
     "explored creations begin with zeros; others are in crash.Creation"},
    {"src/stream/open.cpp", "medium.zero(8, format::min_metadata_size - 8);", Mutation::Kind::delay, "likewise"},
    {"src/stream/open.cpp", "medium.zero(8, format::min_metadata_size - 8);", Mutation::Kind::spill,
     "behind the metadata is the first span's word, which is stored later"},
    {"src/stream/regions.cpp", "if (failed(flush.wait())) // of the checkpoints", Mutation::Kind::drop,
     "the old checkpoints are as right as the new ones, which the thread's next fence makes durable"},
};

// What libpmemstream 0.2.1 did wrong, each as the mutant that does the same here. Two of its mistakes are of waiting,
// and no crash shows them: a wait for a timestamp that is not handed out, and a future dropped half polled
// (tests/api_c/async.c).
struct Planted {
    std::string_view mistake;
    std::string_view file;
    std::string_view code;
    Mutation::Kind kind;
};

constexpr Planted planted[] = {
    {"an entry that fills its region to the last byte wrote zeros over the next region's header",
     "src/stream/append.cpp", "medium_.stream(place, words, align_up(size, format::record_alignment));",
     Mutation::Kind::spill},
    {"opening with another block size reformatted the stream", "src/stream/open.cpp",
     "if (block_size != 0 && !checked(block_size == superblocks.geometry.block_size))", Mutation::Kind::drop},
    {"opening after the file grew reformatted the stream", "src/format/superblock.cpp",
     "if (!checked(map_size <= std::max(reading.geometry.stream_size, reading.growing_to)))", Mutation::Kind::drop},
    {"an append behind an unpublished reservation was acknowledged and lost", "src/region/region.cpp",
     "write_record_header(medium_, begin, filler);", Mutation::Kind::drop},
    {"publishing two reservations in the other order destroyed one", "src/stream/append.cpp",
     "if (failed(flush.wait())) {", Mutation::Kind::drop},
    {"sizes near 2^62 passed the checks of an append", "src/stream/stream.hpp",
     "if (!checked(size <= format::max_entry_size))", Mutation::Kind::drop},
    {"sizes near 2^62 passed the checks of a publish", "src/stream/publish.cpp",
     "if (!checked(size <= format::max_entry_size))", Mutation::Kind::drop},
    {"a flipped bit in an entry was not reported", "src/format/record.hpp",
     "checked(record.checksum ==", Mutation::Kind::drop},
    {"a flipped bit in a record's header was not reported", "src/format/record.hpp",
     "if (record.kind == Kind::none || !checked(header_check_holds(header)) || room < record_header_size ||",
     Mutation::Kind::drop},
    {"a flipped bit in the metadata was not reported", "src/format/superblock.cpp",
     "if (!checked(superblock.checksum == checksum(superblock, copy)) || superblock.endian_mark != endian_mark)",
     Mutation::Kind::drop},
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

// Whether an entry of one of the lists above means this mutant.
template <typename Entry>
bool means(const Entry &entry, const Mutant &mutant)
{
    return entry.kind == mutant.kind && entry.file == mutant.site.file && entry.code == line_of(mutant.site);
}

std::string describe(const Mutant &mutant)
{
    static constexpr const char *kinds[] = {"", " left out", " too late", " too long"};
    return pms::to_string(mutant.site) + kinds[static_cast<int>(mutant.kind)] + ":  " + line_of(mutant.site);
}

Plan plan_for_mutants()
{
    return {.exhaustive = {{0, 1}, {1, 1}, {2, 1}, {3, 0}},
            .random = {{8, 100, 1}},
            .limits = {.images = 512, .torn = 16},
            .seen_capacity = 1 << 22};
}

std::vector<Mutant> all_mutants()
{
    Mutation::collect(true);
    for (const pms::Granularity granularity : all_media) {
        Campaign campaign(granularity,
                          {.exhaustive = {{0, 0}, {1, 1}, {2, 1}, {3, 0}},
                           .random = {{8, 30, 1}},
                           .limits = {.images = 64, .torn = 4}},
                          1);
        static_cast<void>(campaign.run_here());
    }
    std::vector<Mutation::Site> sites = Mutation::collected();
    Mutation::collect(false);
    std::erase_if(sites, [](const Mutation::Site &site) { return !site.file.starts_with("src/"); });
    std::vector<Mutant> mutants;
    for (const Mutation::Site &site : sites) {
        mutants.push_back({site, Mutation::Kind::drop});
        if (site.step == Mutation::Step::store || site.step == Mutation::Step::copy)
            mutants.push_back({site, Mutation::Kind::delay});
        if (site.step == Mutation::Step::copy)
            mutants.push_back({site, Mutation::Kind::spill});
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
    for (const Equivalent &equivalent : equivalents) {
        const auto gone = std::erase_if(mutants, [&](const Mutant &mutant) {
            const bool listed = means(equivalent, mutant);
            if (listed)
                std::printf("mutant is equivalent: %s\n    %.*s\n", describe(mutant).c_str(),
                            static_cast<int>(equivalent.why.size()), equivalent.why.data());
            return listed;
        });
        if (gone == 0) {
            std::printf("listed as equivalent, but no mutant: %.*s\n", static_cast<int>(equivalent.code.size()),
                        equivalent.code.data());
            ++result.tried;
        }
    }
    std::vector<Mutant> killed;
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
            killed.push_back(mutant);
            continue;
        }
        std::printf("mutant survived: %s\n", describe(mutant).c_str());
        std::fflush(stdout);
    }
    result.killed = killed.size();
    for (const Planted &mistake : planted) {
        const bool caught = std::ranges::any_of(killed, [&](const Mutant &mutant) { return means(mistake, mutant); });
        std::printf("planted: %.*s: %s\n", static_cast<int>(mistake.mistake.size()), mistake.mistake.data(),
                    caught ? "caught" : "NOT caught");
        result.tried += caught ? 0 : 1;
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
