// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

#include "damage/sweep.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cinttypes>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <system_error>
#include <unistd.h>

namespace damage {
namespace {

// Taken at a time. Not in the order of the edits' kinds alone, so that both workers end at about the same time.
constexpr std::uint64_t charge = 64;
// What steps do not tell: of the processor, of which one charge takes some milliseconds, and of the clock for who
// sleeps.
constexpr unsigned processor_seconds = 60;
constexpr unsigned clock_seconds = 1800;
// Of each row of the table. The rest is counted.
constexpr std::uint64_t findings_printed = 8;

void *shared_memory(std::size_t bytes)
{
    void *memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        throw std::system_error(errno, std::generic_category(), "mmap");
    return memory;
}

bool hangs(int signal)
{
    return signal == SIGALRM || signal == SIGPROF || signal == SIGXCPU;
}

bool is_finding(Outcome outcome)
{
    return outcome >= Outcome::silent;
}

} // namespace

Sweep::Sweep() : shared_(static_cast<Shared *>(shared_memory(sizeof(Shared)))) {}

Sweep::~Sweep()
{
    munmap(shared_, sizeof(Shared));
}

void Sweep::note(const LiveImage &image, const Edit &edit, const Verdict &verdict)
{
    auto &rows = shared_->rows[static_cast<std::size_t>(image.granularity)][static_cast<std::size_t>(image.ending)];
    auto &number = rows[static_cast<std::size_t>(edit.kind)][static_cast<std::size_t>(verdict.outcome)];
    const std::uint64_t before = number++;
    const Tellers &tellers = verdict.tellers;
    const bool all[] = {tellers.opening, tellers.dropping, tellers.verifying, tellers.iterating, tellers.checking};
    for (std::size_t i = 0; i < std::size(all); ++i)
        shared_->told[i] += all[i];
    if (verdict.outcome == Outcome::untold)
        ++shared_->untold[static_cast<std::size_t>(verdict.untold)];
    if (!is_finding(verdict.outcome) || before >= findings_printed)
        return;
    std::printf("%s: %s\n    replay: damage_sweep --replay %s %s\n", name_of(verdict.outcome), verdict.why.c_str(),
                image.name.c_str(), to_string(edit).c_str());
    std::fflush(stdout);
}

void Sweep::work(const LiveImage &image, const std::vector<Edit> &edits, std::size_t worker)
{
    Trial trial(image);
    Shared::Charge &mine = shared_->charges[worker];
    for (;;) {
        for (; mine.at < mine.end; ++mine.at)
            note(image, edits[mine.at], trial.judge(edits[mine.at]));
        const itimerval processor{{0, 0}, {processor_seconds, 0}};
        setitimer(ITIMER_PROF, &processor, nullptr);
        alarm(clock_seconds);
        const std::uint64_t begin = shared_->next.fetch_add(charge);
        if (begin >= edits.size())
            return;
        mine = {begin, std::min<std::uint64_t>(begin + charge, edits.size())};
    }
}

void Sweep::run(const LiveImage &image, const std::vector<Edit> &edits, int workers)
{
    const auto begin = std::chrono::steady_clock::now();
    const auto count = std::min(static_cast<std::size_t>(workers), max_workers);
    std::array<pid_t, max_workers> children{};
    shared_->next = 0;
    const auto start = [&](std::size_t worker) {
        std::fflush(stdout);
        const pid_t child = fork();
        if (child == 0) {
            work(image, edits, worker);
            std::_Exit(0);
        }
        children[worker] = child;
    };
    for (std::size_t worker = 0; worker < count; ++worker) {
        shared_->charges[worker] = {0, 0};
        start(worker);
    }
    for (std::size_t running = count; running > 0;) {
        int status = 0;
        const pid_t child = wait(&status);
        if (child < 0) {
            std::perror("damage_sweep");
            std::exit(2);
        }
        const auto worker =
            static_cast<std::size_t>(std::find(children.begin(), children.end(), child) - children.begin());
        if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
            --running;
            continue;
        }
        Shared::Charge &left = shared_->charges[worker];
        const int signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
        note(image, edits[left.at],
             {.outcome = hangs(signal) ? Outcome::hung : Outcome::crashed,
              .why = signal == 0 ? "the process ended" : std::string("the process died: ") + strsignal(signal)});
        ++left.at;
        start(worker);
    }
    const std::chrono::duration<double> time = std::chrono::steady_clock::now() - begin;
    std::printf("%s: %zu damages, %zu entries, %zu of them known durable; %.0f s\n", image.name.c_str(), edits.size(),
                image.entries.size(),
                static_cast<std::size_t>(std::ranges::count_if(
                    image.entries, [&](const Entry &entry) { return entry.timestamp <= image.durable; })),
                time.count());
}

std::uint64_t Sweep::count(Outcome outcome) const
{
    std::uint64_t sum = 0;
    for (const auto &of_medium : shared_->rows)
        for (const auto &of_ending : of_medium)
            for (const Row &row : of_ending)
                sum += row[static_cast<std::size_t>(outcome)];
    return sum;
}

void Sweep::report() const
{
    static constexpr std::array<const char *, media> medium_names = {"byte", "cache_line", "page"};
    static constexpr std::array<const char *, endings> ending_names = {"closed", "killed", "killed_async"};
    std::printf("%-9s %-10s %-12s %9s", "damage", "medium", "ending", "tried");
    for (std::size_t outcome = 0; outcome < outcomes; ++outcome)
        std::printf(" %8s", name_of(static_cast<Outcome>(outcome)));
    std::printf("\n");
    for (std::size_t kind = 0; kind < kinds; ++kind)
        for (std::size_t medium = 0; medium < media; ++medium)
            for (std::size_t ending = 0; ending < endings; ++ending) {
                const Row &row = shared_->rows[medium][ending][kind];
                std::uint64_t tried = 0;
                for (const auto &number : row)
                    tried += number;
                if (tried == 0)
                    continue;
                std::printf("%-9s %-10s %-12s %9" PRIu64, name_of(static_cast<Kind>(kind)), medium_names[medium],
                            ending_names[ending], tried);
                for (const auto &number : row)
                    std::printf(" %8" PRIu64, number.load());
                std::printf("\n");
            }
    std::printf("of the damages that a writer opens: told by opening %" PRIu64 ", by dropped entries %" PRIu64
                ", by verifying %" PRIu64 ", by iterating %" PRIu64 ", by iterating with check_data %" PRIu64 "\n",
                shared_->told[0].load(), shared_->told[1].load(), shared_->told[2].load(), shared_->told[3].load(),
                shared_->told[4].load());
    for (std::size_t reason = 1; reason < untold_reasons; ++reason)
        std::printf("untold, %" PRIu64 ": %s\n", shared_->untold[reason].load(),
                    sentence_of(static_cast<Untold>(reason)));
}

int Sweep::summary() const
{
    std::uint64_t sum = 0;
    for (std::size_t outcome = 0; outcome < outcomes; ++outcome)
        sum += count(static_cast<Outcome>(outcome));
    const std::uint64_t silent = count(Outcome::silent);
    const std::uint64_t crashes = count(Outcome::crashed);
    const std::uint64_t hangs = count(Outcome::hung);
    std::printf("damage: %" PRIu64 " damages, %" PRIu64 " silent, %" PRIu64 " crashes, %" PRIu64 " hangs\n", sum,
                silent, crashes, hangs);
    return silent + crashes + hangs == 0 ? 0 : 1;
}

} // namespace damage
