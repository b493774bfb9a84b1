// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

#include "interleavings/campaign.hpp"

#include "crash/explorer/seen.hpp"
#include "interleavings/commit_scenarios.hpp"
#include "interleavings/exploration.hpp"
#include "interleavings/stream_scenarios.hpp"
#include "sync/untracked.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

namespace interleavings {
namespace {

constexpr std::size_t max_workers = 16;
// A job that takes so long hangs.
constexpr unsigned job_seconds = 600;

struct Job {
    const Scenario *scenario;
    pms::Granularity granularity;
};

// Shared by all processes.
struct Shared {
    std::atomic<std::size_t> next_job;
    std::atomic<std::uint64_t> schedules;
    std::atomic<std::uint64_t> met;
    std::atomic<std::uint64_t> steps;
    std::atomic<std::uint64_t> crash_points;
    std::atomic<std::uint64_t> crash_states;
    std::atomic<std::uint64_t> violations;
    struct UnderWay {
        std::size_t job;
        char schedule[512];
    };
    std::array<UnderWay, max_workers> under_way;
};

void print_replay(const Job &job, const char *schedule)
{
    std::printf("    %s\n    replay: interleavings --scenario %s --medium %s --replay %s\n", job.scenario->what,
                job.scenario->name, name_of(job.granularity), schedule);
}

// Deeper than what is explored, and with several stores kept back.
std::optional<Violation> sample(Exploration &exploration, const Plan &plan)
{
    constexpr Bounds deep{.preemptions = 6, .kept_back = 3, .stopped = 0};
    constexpr Bounds deadly{.preemptions = 4, .kept_back = 1, .stopped = 1};
    const std::uint64_t schedules = pms::scheduled::tracks_races ? 20 : plan.brief ? 50 : 3000;
    auto violation = exploration.sample(deep, schedules, plan.seed);
    return violation ? violation : exploration.sample(deadly, schedules, plan.seed);
}

void run(const Job &job, const Plan &plan, Shared &shared, Shared::UnderWay &under_way)
{
    const auto begin = std::chrono::steady_clock::now();
    Exploration exploration(*job.scenario, job.granularity);
    exploration.tell(under_way.schedule, sizeof under_way.schedule);
    std::optional<Violation> violation;
    // ThreadSanitizer sees a race also if it is not the one that goes wrong: fewer will do.
    const std::uint64_t most = pms::scheduled::tracks_races ? 100 : UINT64_MAX;
    for (const Bounds &bounds : plan.brief ? job.scenario->short_bounds : job.scenario->bounds)
        if (!violation)
            violation = exploration.explore(bounds, most);
    if (!violation)
        violation = sample(exploration, plan);
    const Counters counters = exploration.counters();
    const std::chrono::duration<double> time = std::chrono::steady_clock::now() - begin;
    std::printf("%s on %s: %" PRIu64 " schedules (%" PRIu64 " met another), %" PRIu64 " steps, %" PRIu64
                " crash points, %" PRIu64 " crash states; %.1f s, %.0f steps a second\n",
                job.scenario->name, name_of(job.granularity), counters.schedules, counters.met, counters.steps,
                counters.crash_points, counters.crash_states, time.count(),
                static_cast<double>(counters.steps) / std::max(time.count(), 1e-9));
    if (violation) {
        std::printf("violation: %s\n", violation->what.c_str());
        print_replay(job, to_string(violation->deviations).c_str());
        ++shared.violations;
    }
    std::fflush(stdout);
    shared.schedules += counters.schedules;
    shared.met += counters.met;
    shared.steps += counters.steps;
    shared.crash_points += counters.crash_points;
    shared.crash_states += counters.crash_states;
}

} // namespace

const std::vector<Scenario> &scenarios()
{
    static const std::vector<Scenario> all = [] {
        std::vector<Scenario> made = stream_scenarios();
        std::vector<Scenario> more = commit_scenarios();
        std::move(more.begin(), more.end(), std::back_inserter(made));
        return made;
    }();
    return all;
}

const Scenario *find_scenario(const std::string &name)
{
    const auto found = std::ranges::find_if(scenarios(), [&](const Scenario &one) { return one.name == name; });
    return found == scenarios().end() ? nullptr : &*found;
}

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

CampaignResult run_campaign(const Plan &plan)
{
    std::vector<Job> jobs;
    for (const Scenario &scenario : scenarios())
        // Of those without a stream the scenario's own accesses cannot be told from the library's.
        if ((plan.scenario.empty() && !(scenario.alone && pms::scheduled::tracks_races)) ||
            plan.scenario == scenario.name)
            for (const pms::Granularity granularity : scenario.media)
                jobs.push_back({&scenario, granularity});

    auto *shared = static_cast<Shared *>(explorer::shared_memory(sizeof(Shared)));
    std::vector<pid_t> children;
    std::fflush(stdout);
    const int workers = std::min<int>(plan.workers, max_workers);
    for (int worker = 0; worker < workers; ++worker) {
        const pid_t child = fork();
        if (child != 0) {
            children.push_back(child);
            continue;
        }
        Shared::UnderWay &under_way = shared->under_way[static_cast<std::size_t>(worker)];
        while ((under_way.job = shared->next_job++) < jobs.size()) {
            alarm(job_seconds);
            run(jobs[under_way.job], plan, *shared, under_way);
        }
        std::_Exit(0);
    }
    for (std::size_t worker = 0; worker < children.size(); ++worker) {
        int status = 0;
        if (children[worker] < 0 || waitpid(children[worker], &status, 0) < 0) {
            std::perror("interleavings");
            std::exit(2);
        }
        if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
            continue;
        ++shared->violations;
        if (WIFSIGNALED(status))
            std::printf("violation: the process died of signal %d (%s)\n", WTERMSIG(status),
                        strsignal(WTERMSIG(status)));
        else
            std::printf("violation: the process ended with status %d\n", WEXITSTATUS(status));
        print_replay(jobs[shared->under_way[worker].job], shared->under_way[worker].schedule);
    }
    const CampaignResult result{
        {shared->schedules, shared->met, shared->steps, shared->crash_points, shared->crash_states},
        shared->violations};
    munmap(shared, sizeof(Shared));
    return result;
}

} // namespace interleavings
