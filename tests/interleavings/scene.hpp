// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// A scenario: a few threads that use the library, and what must hold whatever their interleaving.
#pragma once

#include "interleavings/strategies.hpp"
#include "medium/simulated_image.hpp"
#include "sync/scheduler.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace interleavings {

// One run of a scenario. Made anew for each interleaving.
class Scene {
public:
    Scene() = default;
    virtual ~Scene() = default;
    Scene(const Scene &) = delete;
    Scene &operator=(const Scene &) = delete;

    using Threads = std::vector<std::function<void()>>;
    virtual Threads threads() = 0;
    // All threads have ended.
    virtual void finished() = 0;
    // A thread was stopped, and the others have ended or cannot go on. Afterwards the stopped one goes on so that
    // everything can be given back, and nothing is looked at any more.
    virtual void stopped(const pms::scheduled::Scheduler &scheduler) = 0;

    // What was found wrong first.
    const std::string &wrong() const { return wrong_; }
    void fail(const std::string &what)
    {
        if (wrong_.empty())
            wrong_ = what;
    }
    void expect(bool holds, const char *what)
    {
        if (!holds)
            fail(what);
    }

private:
    std::string wrong_;
};

struct Counters {
    std::uint64_t schedules = 0;
    std::uint64_t met = 0; // of those, that came to the state of another
    std::uint64_t steps = 0;
    std::uint64_t crash_points = 0;
    std::uint64_t crash_states = 0; // distinct, each recovered and checked
};

// What the runs of a scenario on one medium have in common.
class Setting {
public:
    virtual ~Setting() = default;
    virtual std::unique_ptr<Scene> scene() = 0;
    // Adds what was counted.
    virtual void count(Counters &) const {}
};

struct Scenario {
    const char *name;
    const char *what;
    std::vector<pms::Granularity> media; // page alone for what has none
    std::function<std::unique_ptr<Setting>(pms::Granularity granularity)> setting;
    std::vector<Bounds> bounds;       // each explored
    std::vector<Bounds> short_bounds; // the same, when time is short
    bool alone = false;               // the commit protocol without a stream
};

} // namespace interleavings
