// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// Damages images of streams in every way, and sees what becomes of each. Its last line tells the result; it fails if a
// damage is passed over, crashes the library or hangs it.

#include "damage/mutants.hpp"
#include "damage/sweep.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <sys/random.h>

// Every stream gets the same UUID, so that a replay finds the same image.
extern "C" ssize_t getrandom(void *buffer, size_t size, unsigned)
{
    std::memset(buffer, 0x5a, size);
    return static_cast<ssize_t>(size);
}

namespace {

using namespace damage;

[[noreturn]] void usage()
{
    std::fputs("usage: damage_sweep [--short] [--workers N] [--image IMAGE]\n"
               "       damage_sweep --mutants [--workers N]\n"
               "       damage_sweep --replay IMAGE DAMAGE\n",
               stderr);
    std::exit(2);
}

int replay(const std::string &name, const std::string &text)
{
    const std::vector<LiveImage> images = all_live_images();
    const auto image = std::ranges::find(images, name, &LiveImage::name);
    const auto edit = parse_edit(text);
    if (image == images.end() || !edit)
        usage();
    const Verdict verdict = Trial(*image).judge(*edit);
    std::printf("%s: %s\n", name_of(verdict.outcome), verdict.why.c_str());
    return verdict.outcome >= Outcome::silent ? 1 : 0;
}

} // namespace

int main(int argc, char **argv)
{
    bool brief = false;
    bool mutants = false;
    int workers = 2;
    std::string only;
    for (int i = 1; i < argc; ++i) {
        const std::string name = argv[i];
        if (name == "--replay" && i + 3 == argc)
            return replay(argv[i + 1], argv[i + 2]);
        if (name == "--short")
            brief = true;
        else if (name == "--mutants")
            mutants = true;
        else if (name == "--workers" && i + 1 < argc)
            workers = std::max(1, std::atoi(argv[++i]));
        else if (name == "--image" && i + 1 < argc)
            only = argv[++i];
        else
            usage();
    }
    if (mutants)
        return try_mutants(workers);
    // Every so-many-th damage: a prime, so that all kinds of places are met.
    constexpr std::uint32_t brief_step = 61;
    Sweep sweep;
    for (const LiveImage &image : all_live_images())
        if (only.empty() || image.name.starts_with(only))
            sweep.run(image, edits_of(image, brief ? brief_step : 1), workers);
    sweep.report();
    return sweep.summary();
}
