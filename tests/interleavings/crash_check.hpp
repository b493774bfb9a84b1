// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// What a crash at chosen moments of an interleaving leaves, recovered and held against what is owed.
#pragma once

#include "crash/explorer/crash_states.hpp"
#include "interleavings/hash_set.hpp"
#include "interleavings/ledger.hpp"
#include "interleavings/scene.hpp"
#include "medium/simulated_image.hpp"

#include <cstdint>
#include <random>
#include <string>
#include <vector>

namespace interleavings {

inline constexpr std::size_t block_size = 64;

class CrashCheck {
public:
    CrashCheck(std::size_t image_size, pms::Granularity granularity);

    // Remembers the moment, unless one like it was met before.
    void note(const pms::SimulatedImage &image, const Ledger &owed, const char *when);
    // Of all that were remembered: the first thing that is wrong, or an empty string.
    std::string check();
    // One image.
    std::string check(const pms::SimulatedImage::Bytes &bytes, const Ledger &owed);

    std::uint64_t points() const { return points_; }
    std::uint64_t states() const { return states_; }

private:
    struct Moment {
        pms::SimulatedImage::Uncertain uncertain;
        pms::SimulatedImage::SharedWords killed;
        Ledger owed;
        const char *when;
    };

    // Whether what has this hash was not looked at yet.
    bool is_new(std::uint64_t hash, const Ledger &owed);
    // What image_ was reset to.
    std::string recover(const Ledger &owed);

    const pms::Granularity granularity_;
    pms::SimulatedImage image_;
    HashSet seen_;
    std::vector<Moment> moments_;
    std::mt19937_64 random_{1};
    std::uint64_t points_ = 0;
    std::uint64_t states_ = 0;
};

} // namespace interleavings
