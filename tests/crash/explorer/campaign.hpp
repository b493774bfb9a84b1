// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// The exploration of one medium, by several processes.
#pragma once

#include "crash/explorer/explorer.hpp"

#include <chrono>
#include <string>
#include <vector>

namespace explorer {

inline constexpr pms::Granularity all_media[] = {pms::Granularity::cache_line, pms::Granularity::byte,
                                                 pms::Granularity::page};
const char *name_of(pms::Granularity granularity);

struct Plan {
    // Every program of a length, with so many crashes inside recovery.
    struct Exhaustive {
        std::size_t length;
        int recovery_depth;
    };
    std::vector<Exhaustive> exhaustive;
    // Random ones, at each of whose operations is looked.
    struct Random {
        std::size_t length;
        std::uint64_t programs;
        int recovery_depth;
    };
    std::vector<Random> random;
    // Those in program.hpp for which no random one can be waited for, looked at like random ones.
    int chosen_recovery_depth = 1;
    StateLimits limits;
    std::size_t seen_capacity = std::size_t{1} << 26; // a power of two, well above the number of states
};

Plan full_plan();
Plan short_plan();

class Campaign {
public:
    Campaign(pms::Granularity granularity, Plan plan, std::uint64_t seed);
    ~Campaign();
    Campaign(const Campaign &) = delete;
    Campaign &operator=(const Campaign &) = delete;

    void run(int workers);
    void report() const;
    std::uint64_t states() const { return shared_->counters.states; }
    std::uint64_t violations() const { return shared_->violations; }
    double seconds() const { return time_.count(); }

    // All of it in this process, which may be broken by a mutation. Tells what was found first.
    std::optional<Violation> run_here();

private:
    static constexpr std::size_t max_workers = 64;
    struct Shared {
        Counters counters;
        std::atomic<std::uint64_t> violations;
        std::atomic<std::size_t> next_task;
        std::atomic<bool> stop;
        struct Finding {
            char program[64];
            char text[4000];
        };
        std::array<Finding, max_workers> findings; // one for each worker; its program is the one under way
    };

    // Programs for one worker: those of a length from the begin-th to the end-th, or a single one.
    struct Task {
        std::size_t length;
        std::uint64_t begin;
        std::uint64_t end;
        Program single;
        Explorer::Settings settings;
    };
    std::vector<Task> tasks() const;
    // f returns how much of the program could be done, or nothing to end it.
    template <typename F>
    void each_program(const Task &task, F f);
    // Takes tasks until there are no more.
    std::optional<Violation> work(int worker);
    // From their creation on.
    std::optional<Violation> explore_new_streams();

    const pms::Granularity granularity_;
    const Plan plan_;
    const std::uint64_t seed_;
    Start start_;
    Seen seen_;
    Shared *const shared_;
    std::chrono::duration<double> time_{0};
};

// Explores one program, without pruning, and tells all about the first violation. An exit code.
int replay(pms::Granularity granularity, const Program &program, int depth);

} // namespace explorer
