// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// Runs the interleavings of a scenario, and looks at what each leaves.
#pragma once

#include "interleavings/scene.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace interleavings {

struct Violation {
    std::string what;
    Deviations deviations;
};

class Exploration {
public:
    Exploration(const Scenario &scenario, pms::Granularity granularity);
    ~Exploration();

    // For who looks if the process dies: the schedule under way.
    void tell(char *text, std::size_t size);

    // All within the bounds.
    std::optional<Violation> explore(const Bounds &bounds, std::uint64_t most = UINT64_MAX);
    std::optional<Violation> sample(const Bounds &bounds, std::uint64_t schedules, std::uint64_t seed);
    std::optional<Violation> replay(const Deviations &deviations);

    // Of all that was run.
    Counters counters() const;

private:
    std::optional<Violation> run(Recording &strategy);

    std::unique_ptr<Setting> setting_;
    pms::scheduled::Scheduler scheduler_;
    Counters counters_;
    std::uint64_t steps_ = 0; // of the last run
    char *told_ = nullptr;
    std::size_t told_size_ = 0;
};

} // namespace interleavings
