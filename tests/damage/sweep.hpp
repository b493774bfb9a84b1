// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// All damages of all images, by several processes: one that dies or hangs costs one damage.
#pragma once

#include "damage/edit.hpp"
#include "damage/live_image.hpp"
#include "damage/trial.hpp"

#include <array>
#include <atomic>
#include <cstdint>
#include <vector>

namespace damage {

class Sweep {
public:
    Sweep();
    ~Sweep();
    Sweep(const Sweep &) = delete;
    Sweep &operator=(const Sweep &) = delete;

    void run(const LiveImage &image, const std::vector<Edit> &edits, int workers);
    // The table: by kind, medium and ending.
    void report() const;
    // The last line. An exit code.
    int summary() const;

private:
    static constexpr std::size_t max_workers = 64;
    static constexpr std::size_t media = 3;
    static constexpr std::size_t endings = 3;
    static constexpr std::size_t tellers = 5;
    using Row = std::array<std::atomic<std::uint64_t>, outcomes>;
    struct Shared {
        std::atomic<std::uint64_t> next; // the first edit of which no worker has taken charge
        struct Charge {
            std::uint64_t at; // the one under way
            std::uint64_t end;
        };
        std::array<Charge, max_workers> charges;
        std::array<std::array<std::array<Row, kinds>, endings>, media> rows;
        std::array<std::atomic<std::uint64_t>, tellers> told;
        std::array<std::atomic<std::uint64_t>, untold_reasons> untold;
    };

    void work(const LiveImage &image, const std::vector<Edit> &edits, std::size_t worker);
    void note(const LiveImage &image, const Edit &edit, const Verdict &verdict);
    std::uint64_t count(Outcome outcome) const;

    Shared *const shared_;
};

} // namespace damage
