// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// A crew whose every append is timed.
#pragma once

#include "clock.hpp"
#include "histogram.hpp"
#include "results.hpp"
#include "workloads/crew.hpp"

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

namespace bench {

class TimedCrew {
public:
    TimedCrew(std::unique_ptr<Crew> crew, std::size_t entry_size);
    unsigned threads() const { return crew_->threads(); }

    // Each thread appends as many entries.
    Runner runner(const std::string &name);
    // Of what the runner did since it began.
    Latency latency(const std::string &workload, const std::string &contender) const;

private:
    static constexpr std::uint64_t most_stamps = 1 << 16;

    struct Thread {
        Ticks begin = 0;
        std::vector<Ticks> stamps = std::vector<Ticks>(most_stamps);
        Histogram histogram;
    };

    static void collect(Thread &thread, std::uint64_t count);

    std::unique_ptr<Crew> crew_;
    std::size_t entry_size_;
    std::vector<Thread> threads_;
};

} // namespace bench
