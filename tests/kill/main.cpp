// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// Kills a process that writes to a stream, at random moments, and looks at what is left; then lets the next one go on
// with the same file. What was acknowledged is there, byte for byte and without a hole, whenever the kill came.

#include "checker.hpp"

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <new>
#include <random>
#include <string_view>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

namespace kill_test {
namespace {

struct Options {
    std::uint64_t rounds = 100;
    std::uint64_t seed = 1;
    std::string file = "/dev/shm/pmemstream-kill-" + std::to_string(getpid());
};

Options parse(int argc, char **argv)
{
    Options options;
    for (int i = 1; i + 1 < argc; i += 2) {
        const std::string_view name = argv[i];
        if (name == "--rounds")
            options.rounds = std::strtoull(argv[i + 1], nullptr, 10);
        else if (name == "--seed")
            options.seed = std::strtoull(argv[i + 1], nullptr, 10);
        else if (name == "--file")
            options.file = argv[i + 1];
        else
            throw std::runtime_error("usage: kill_test [--rounds N] [--seed N] [--file PATH]");
    }
    return options;
}

// Runs f in a process that is killed after that time.
template <typename F>
void run_and_kill(std::uint64_t microseconds, F f)
{
    const pid_t child = fork();
    if (child < 0)
        throw std::runtime_error("fork failed");
    if (child == 0) {
        f();
        _exit(1);
    }
    usleep(static_cast<useconds_t>(microseconds));
    kill(child, SIGKILL);
    int status = 0;
    waitpid(child, &status, 0);
    if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL)
        throw std::runtime_error("the writer ended by itself");
}

void run(const Options &options)
{
    unlink(options.file.c_str());
    pmemstream_options create = PMEMSTREAM_OPTIONS_INIT;
    create.size = 8 << 20;
    pmemstream *stream = nullptr;
    if (pmemstream_create(options.file.c_str(), &create, &stream) != 0)
        throw std::runtime_error(std::string("create: ") + pmemstream_errormsg());
    pmemstream_delete(&stream);

    void *memory = mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        throw std::runtime_error("mmap failed");
    std::mt19937_64 random(options.seed);
    Checker checker;
    for (std::uint64_t round = 1; round <= options.rounds; ++round) {
        madvise(memory, sizeof(Shared), MADV_REMOVE); // zeros again
        Shared &shared = *new (memory) Shared;
        shared.round = static_cast<std::uint32_t>(round);
        shared.seed = options.seed;
        checker.begin(shared);
        run_and_kill(random() % (random() % 4 == 0 ? 60000 : 12000), [&] {
            const char *why = write_forever(options.file.c_str(), shared);
            std::fprintf(stderr, "writer: %s: %s\n", why, pmemstream_errormsg());
        });
        // Sometimes the next one is killed while it recovers.
        while (random() % 3 == 0)
            run_and_kill(random() % 3000, [&] {
                pmemstream *opened = nullptr;
                if (pmemstream_open(options.file.c_str(), nullptr, &opened) == 0)
                    pause();
            });
        try {
            checker.check(options.file.c_str(), shared);
        } catch (const Lost &lost) {
            throw std::runtime_error("round " + std::to_string(round) + ", seed " + std::to_string(options.seed) +
                                     ": " + lost.what() + "; the file is " + options.file);
        }
    }
    unlink(options.file.c_str());
    const auto number = [](std::uint64_t value) { return static_cast<unsigned long long>(value); };
    std::printf(
        "kill: %llu rounds, %llu entries acknowledged, %llu recovered, %llu regions freed, %llu closes, 0 lost\n",
        number(options.rounds), number(checker.acknowledged), number(checker.recovered), number(checker.freed),
        number(checker.closes));
}

} // namespace
} // namespace kill_test

int main(int argc, char **argv)
try {
    kill_test::run(kill_test::parse(argc, argv));
    return 0;
} catch (const std::exception &failure) {
    std::fprintf(stderr, "kill: %s\n", failure.what());
    return 1;
}
