// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

#include "crash/explorer/campaign.hpp"

#include <algorithm>
#include <cinttypes>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

namespace explorer {

using pms::SimulatedImage;

namespace {

// A program that takes so long hangs.
constexpr unsigned program_seconds = 120;
// Longer programs are not closed and damaged.
constexpr std::size_t longest_to_damage = 3;
// Programs that begin with so many same operations are one task for a worker.
constexpr std::size_t letters_of_a_task = 2;

std::string text_of(const Violation &violation)
{
    std::string text = violation.what + '\n';
    for (const std::string &step : violation.path)
        text += "    " + step + '\n';
    return text;
}

// The same violation, or another one, in a program without one operation more that is not needed for it.
Violation smallest(Explorer &explorer, Violation violation, Explorer::Settings settings)
{
    settings.prune = false;
    settings.every_point = true;
    for (bool smaller = true; smaller;) {
        smaller = false;
        for (std::size_t i = 0; i < violation.program.size() && !smaller; ++i) {
            Program program = violation.program;
            program.erase(i, 1);
            if (auto found = explorer.explore(program, settings)) {
                violation = *std::move(found);
                smaller = true;
            }
        }
    }
    return violation;
}

} // namespace

const char *name_of(pms::Granularity granularity)
{
    switch (granularity) {
    case pms::Granularity::byte:
        return "byte";
    case pms::Granularity::cache_line:
        return "cache_line";
    case pms::Granularity::page:
        break;
    }
    return "page";
}

Plan full_plan()
{
    return {.exhaustive = {{0, 2}, {1, 3}, {2, 2}, {3, 2}, {4, 0}, {5, 0}},
            .random = {{12, 300, 1}, {6, 300, 3}},
            .limits = {}};
}

Plan short_plan()
{
    return {.exhaustive = {{0, 2}, {1, 2}, {2, 1}},
            .random = {{10, 10, 0}},
            .limits = {.images = 512, .torn = 16},
            .seen_capacity = 1 << 22};
}

Campaign::Campaign(pms::Granularity granularity, Plan plan, std::uint64_t seed)
    : granularity_(granularity), plan_(std::move(plan)), seed_(seed), start_(make_start(granularity)),
      seen_(plan_.seen_capacity), shared_(static_cast<Shared *>(shared_memory(sizeof(Shared))))
{}

Campaign::~Campaign()
{
    munmap(shared_, sizeof(Shared));
}

std::vector<Campaign::Task> Campaign::tasks() const
{
    std::vector<Task> tasks;
    for (const Plan::Exhaustive &all : plan_.exhaustive) {
        const Explorer::Settings settings{.recovery_depth = all.recovery_depth,
                                          .damages = all.length <= longest_to_damage ? Explorer::Damages::few
                                                                                     : Explorer::Damages::none,
                                          .limits = plan_.limits};
        const std::uint64_t alike = number_of_programs(all.length - std::min(all.length, letters_of_a_task));
        for (std::uint64_t n = 0; n < number_of_programs(all.length); n += alike)
            tasks.push_back({all.length, n, n + alike, {}, settings});
    }
    const auto add = [&](Program program, int depth) {
        const Explorer::Settings settings{.recovery_depth = depth, .every_point = true, .limits = plan_.limits};
        tasks.push_back({program.size(), 0, 0, std::move(program), settings});
    };
    for (const char *const program : chosen_programs)
        add(program, plan_.chosen_recovery_depth);
    for (const Plan::Random &some : plan_.random)
        for (std::uint64_t n = 0; n < some.programs; ++n) {
            std::mt19937_64 random(seed_ + n);
            add(random_program(some.length, random), some.recovery_depth);
        }
    return tasks;
}

template <typename F>
void Campaign::each_program(const Task &task, F f)
{
    if (task.begin == task.end) {
        f(task.single);
        return;
    }
    for (std::uint64_t n = task.begin; n < task.end;) {
        const std::optional<std::size_t> done = f(nth_program(task.length, n));
        if (!done)
            return;
        // What cannot be done in this program cannot be done in those that begin alike.
        const std::uint64_t alike = number_of_programs(task.length - std::min(*done + 1, task.length));
        const std::uint64_t next = std::min((n / alike + 1) * alike, task.end);
        if (*done < task.length)
            shared_->counters.inapplicable += next - n;
        n = next;
    }
}

std::optional<Violation> Campaign::explore_new_streams()
{
    Explorer explorer(granularity_, {empty_image(), nothing_owed(), 0}, seen_, shared_->counters);
    const Explorer::Settings settings{
        .recovery_depth = 1, .every_point = true, .damages = Explorer::Damages::many, .limits = plan_.limits};
    auto violation = explorer.explore_creation(settings);
    // The last but one reserves no bytes at the very end of a region in front of another one, the last one leaves a
    // filler that takes as much as an entry.
    for (const char *const program : {"n", "na", "nab", "nyw", "nrp", "nac", "nnf", "nnfnbbrrrr", "nrprac"})
        if (!violation)
            violation = explorer.explore(program, settings);
    return violation;
}

std::optional<Violation> Campaign::work(int worker)
{
    Explorer explorer(granularity_, start_, seen_, shared_->counters);
    auto &finding = shared_->findings[static_cast<std::size_t>(worker)];
    std::optional<Violation> violation;
    if (worker == 0)
        violation = explore_new_streams();
    const std::vector<Task> tasks = this->tasks();
    const auto over = [&] { return violation || shared_->stop.load(std::memory_order_relaxed); };
    for (std::size_t next = 0; !over() && (next = shared_->next_task++) < tasks.size();)
        each_program(tasks[next], [&](const Program &program) -> std::optional<std::size_t> {
            std::snprintf(finding.program, sizeof finding.program, "%s", program.c_str());
            alarm(program_seconds);
            violation = explorer.explore(program, tasks[next].settings);
            if (violation)
                violation = smallest(explorer, *std::move(violation), tasks[next].settings);
            return over() ? std::nullopt : std::optional(explorer.done());
        });
    alarm(0);
    return violation;
}

std::optional<Violation> Campaign::run_here()
{
    return work(0);
}

void Campaign::run(int workers)
{
    workers = std::min(workers, static_cast<int>(max_workers));
    const auto begin = std::chrono::steady_clock::now();
    std::vector<pid_t> children;
    std::fflush(stdout);
    for (int worker = 0; worker < workers; ++worker) {
        const pid_t child = fork();
        if (child != 0) {
            children.push_back(child);
            continue;
        }
        if (const auto violation = work(worker)) {
            auto &finding = shared_->findings[static_cast<std::size_t>(worker)];
            std::snprintf(finding.program, sizeof finding.program, "%s", violation->program.c_str());
            std::snprintf(finding.text, sizeof finding.text, "%s", text_of(*violation).c_str());
            ++shared_->violations;
            shared_->stop = true;
        }
        std::_Exit(0);
    }
    for (std::size_t worker = 0; worker < children.size(); ++worker) {
        int status = 0;
        if (children[worker] < 0 || waitpid(children[worker], &status, 0) < 0) {
            std::perror("crash_explorer");
            std::exit(2);
        }
        auto &finding = shared_->findings[worker];
        if (WIFSIGNALED(status)) {
            std::snprintf(finding.text, sizeof finding.text, "the process died of signal %d (%s)\n", WTERMSIG(status),
                          strsignal(WTERMSIG(status)));
            ++shared_->violations;
            shared_->stop = true;
        }
        if (finding.text[0] == '\0')
            continue;
        std::printf("violation on medium %s: %s", name_of(granularity_), finding.text);
        for (const char *letter = finding.program; *letter != '\0'; ++letter)
            std::printf("    %c: %s\n", *letter, describe(static_cast<Operation>(*letter)).c_str());
        std::printf("    replay: crash_explorer --medium %s --program '%s'\n", name_of(granularity_), finding.program);
    }
    time_ = std::chrono::steady_clock::now() - begin;
}

void Campaign::report() const
{
    const Counters &counters = shared_->counters;
    const std::uint64_t states = counters.states;
    std::printf(
        "medium %s: %" PRIu64 " programs (%" PRIu64 " more are the same as shorter ones), %" PRIu64
        " crash points, %" PRIu64 " of them kills (%" PRIu64 " met before, %" PRIu64 " sampled), %" PRIu64 " images\n",
        name_of(granularity_), counters.programs.load(), counters.inapplicable.load(), counters.points.load(),
        counters.kills.load(), counters.pruned_points.load(), counters.sampled_points.load(), counters.images.load());
    std::printf("    %" PRIu64 " distinct states, %" PRIu64 " pruned as seen, %" PRIu64
                " distinct recovered states gone on with; %.0f s, %.0f states a second\n",
                states, counters.images - std::min(counters.images.load(), states), counters.continued.load(),
                time_.count(), static_cast<double>(states) / std::max(time_.count(), 1e-9));
    std::printf("    by the last operation:");
    for (const char *letter = alphabet; *letter != '\0'; ++letter)
        std::printf(" %c %" PRIu64, *letter, counters.states_by_operation[static_cast<unsigned char>(*letter)].load());
    std::printf(", creation %" PRIu64 "\n", counters.states_by_operation['*'].load());
    if (seen_.overflown() != 0)
        std::printf("    the set of seen states was full: %" PRIu64 " may have been counted twice\n",
                    seen_.overflown());
}

int replay(pms::Granularity granularity, const Program &program, int depth)
{
    Seen seen(2);
    auto *counters = static_cast<Counters *>(shared_memory(sizeof(Counters)));
    Explorer explorer(granularity, make_start(granularity), seen, *counters);
    const auto violation =
        explorer.explore(program, {.recovery_depth = depth, .prune = false, .every_point = true, .limits = {}});
    std::printf("%" PRIu64 " states\n", counters->states.load());
    if (!violation)
        return 0;
    std::printf("violation: %s", text_of(*violation).c_str());
    return 1;
}

} // namespace explorer
