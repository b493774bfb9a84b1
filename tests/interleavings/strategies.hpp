// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// Which interleavings are run.
#pragma once

#include "interleavings/hash_set.hpp"
#include "sync/scheduler.hpp"

#include <cstdint>
#include <random>
#include <string>
#include <vector>

namespace interleavings {

using pms::scheduled::Action;
using pms::scheduled::Situation;
using pms::scheduled::Strategy;

// An action other than the usual one.
struct Deviation {
    std::uint64_t decision;
    Action action;
};
using Deviations = std::vector<Deviation>;

// As text: "12r1,40k0": decision 12 runs thread 1, decision 40 keeps back a store of thread 0. "-": none.
std::string to_string(const Deviations &deviations);
// Throws std::invalid_argument.
Deviations parse_deviations(const std::string &text);

// How often an interleaving may deviate, by kind.
struct Bounds {
    unsigned preemptions = 0; // a thread that could go on does not
    unsigned kept_back = 0;   // a store stays in its thread's buffer
    unsigned stopped = 0;     // a thread goes on no more
};

// Remembers what deviated.
class Recording : public Strategy {
public:
    Action choose(const Situation &situation) final;
    const Deviations &deviations() const { return deviations_; }
    void begin();
    // Where to keep the text of what deviated so far, for somebody who looks at it if the process dies.
    void tell(char *text, std::size_t size);
    // Whether the run came to a state from which another run has gone on in the same way: its end is known.
    virtual bool met() const { return false; }

protected:
    virtual Action decide(const Situation &situation) = 0;
    virtual void on_begin() {}

private:
    Deviations deviations_;
    char *told_ = nullptr;
    std::size_t told_size_ = 0;
};

// Every interleaving within the bounds, depth first (M. Musuvathi, S. Qadeer: Iterative context bounding for systematic
// testing of multithreaded programs, 2007). Of those that lead to the same state with the same bounds left one goes on;
// from there the others are not varied.
class DepthFirst final : public Recording {
public:
    explicit DepthFirst(const Bounds &bounds) : bounds_(bounds) {}

    // After each run: false if that was the last.
    bool next();
    bool met() const override { return met_; }

private:
    struct Node {
        std::uint64_t decision;
        std::vector<Action> options;
        std::size_t chosen;
    };

    Action decide(const Situation &situation) override;
    void on_begin() override;
    void spend(const Situation &situation, const Action &action);
    bool affordable(const Situation &situation, const Action &action) const;
    bool is_new(const Situation &situation);
    std::vector<Action> options(const Situation &situation) const;

    const Bounds bounds_;
    HashSet seen_; // states, with the bounds left there
    std::vector<Node> path_;
    std::size_t place_ = 0; // in path_
    Bounds left_;
    bool met_ = false;
};

// Random priorities that change at a few random decisions, as many as the preemptions (S. Burckhardt and others: A
// randomized scheduler with probabilistic guarantees of finding bugs, 2010); stores are kept back at random.
class Random final : public Recording {
public:
    Random(const Bounds &bounds, std::uint64_t seed) : bounds_(bounds), random_(seed) {}
    // Of the run that ended: the next one's changes lie within.
    void set_length(std::uint64_t decisions) { length_ = decisions; }

private:
    Action decide(const Situation &situation) override;
    void on_begin() override;

    const Bounds bounds_;
    std::mt19937_64 random_;
    std::uint64_t length_ = 200;
    std::vector<std::uint64_t> changes_;
    std::array<std::uint64_t, pms::scheduled::max_threads> priorities_{};
    std::uint64_t lowest_ = 0; // below all priorities in use
    Bounds left_;
};

class Replay final : public Recording {
public:
    explicit Replay(Deviations deviations) : planned_(std::move(deviations)) {}

private:
    Action decide(const Situation &situation) override;

    const Deviations planned_;
};

} // namespace interleavings
