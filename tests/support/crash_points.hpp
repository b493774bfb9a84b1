// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// Collects what a power cut may leave at each fence of a run, and checks each.
#pragma once

#include "medium/simulated_image.hpp"

#include <cstdint>
#include <random>
#include <string>
#include <vector>

namespace pms {

inline const std::vector<Granularity> all_granularities = {Granularity::byte, Granularity::cache_line,
                                                           Granularity::page};

// Images of an interrupted run, each with the number of acknowledgements given before it.
struct CrashState {
    SimulatedImage::Bytes bytes;
    std::uint64_t acknowledged;
    std::string how;
};

class CrashPoints {
public:
    // From here on, each fence of `image` gives `samples` random power cuts, the one that loses all, and a kill.
    CrashPoints(SimulatedImage &image, int samples, std::uint64_t seed)
        : image_(image), samples_(samples), random_(seed)
    {
        image.before_fence = [this] { take(); };
    }
    ~CrashPoints() { image_.before_fence = nullptr; }
    CrashPoints(const CrashPoints &) = delete;
    CrashPoints &operator=(const CrashPoints &) = delete;

    void take()
    {
        const std::string point = "point " + std::to_string(points_++);
        states.push_back({image_.power_cut_losing_all(), acknowledged, point + ", all lost"});
        states.push_back({image_.killed(), acknowledged, point + ", killed"});
        for (int sample = 0; sample < samples_; ++sample)
            states.push_back({image_.power_cut(random_), acknowledged, point + ", sample " + std::to_string(sample)});
    }

    std::uint64_t acknowledged = 0; // kept up by the test
    std::vector<CrashState> states;

private:
    SimulatedImage &image_;
    const int samples_;
    std::mt19937_64 random_;
    int points_ = 0;
};

} // namespace pms
