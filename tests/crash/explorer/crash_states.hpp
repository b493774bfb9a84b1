// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// Every image that a power cut may leave. On each medium what is pending falls into groups that survive independently:
//
// - cache line: the ordinary stores to a line, of which a prefix survives; each non-temporal store;
// - byte (eADR): all ordinary stores, of which a prefix survives; each non-temporal store;
// - page: the stores to a 512-byte sector, of which a prefix survives (its versions), or any subset (torn at words).
//
// The number of images is the product over the groups. Where that exceeds a limit, images are sampled, and among them
// are those in which just one group, or all but one, survived.
#pragma once

#include "medium/simulated_image.hpp"

#include <cstdint>
#include <functional>
#include <random>

namespace explorer {

struct StateLimits {
    std::uint64_t images = 4096; // of one crash point
    std::uint64_t torn = 64;     // of one sector
};

struct StateCounts {
    std::uint64_t images = 0;
    std::uint64_t sampled_points = 0; // crash points with more images than were looked at
};

// One image.
struct CrashState {
    const pms::SimulatedImage::SharedWords &durable;
    const std::vector<std::uint64_t> &words;  // that may differ from that, by index
    const std::vector<std::uint64_t> &values; // of those
};

// Goes through the images, some of them perhaps more than once. Most are the same as earlier ones, so that f is called
// only for those whose hash is wanted. f returns false to end it.
void each_crash_state(const pms::SimulatedImage::Uncertain &uncertain, pms::Granularity granularity,
                      const StateLimits &limits, std::mt19937_64 &random,
                      const std::function<bool(std::uint64_t hash)> &wanted,
                      const std::function<bool(const CrashState &)> &f, StateCounts &counts);

} // namespace explorer
