// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// Visits the crash states of programs: before each fence of a program's last operation completes and after it returned
// (its earlier operations are the last ones of shorter programs), every image that a power cut may leave, and what a
// kill leaves. Each is recovered and compared with what is owed; so is every image that a power cut inside that
// recovery may leave, as deep as is asked for; and with each recovered image a user goes on.
#pragma once

#include "crash/explorer/crash_states.hpp"
#include "crash/explorer/run.hpp"
#include "crash/explorer/seen.hpp"

#include <atomic>
#include <optional>
#include <random>
#include <string>
#include <vector>

namespace explorer {

// Shared by all processes.
struct Counters {
    std::atomic<std::uint64_t> programs;
    std::atomic<std::uint64_t> inapplicable;   // programs that are the same as a shorter one
    std::atomic<std::uint64_t> points;         // crash points
    std::atomic<std::uint64_t> pruned_points;  // of those, that were met before
    std::atomic<std::uint64_t> sampled_points; // of those, with more images than were looked at
    std::atomic<std::uint64_t> images;         // made
    std::atomic<std::uint64_t> states;         // distinct images with distinct obligations, each recovered and checked
    std::atomic<std::uint64_t> continued;      // distinct recovered images with which a user went on
    std::array<std::atomic<std::uint64_t>, 128> states_by_operation;
};

struct Violation {
    Program program;
    std::vector<std::string> path; // from the program to the image
    std::string what;
};

class Explorer {
public:
    struct Settings {
        int recovery_depth = 0;   // crashes inside recovery
        bool prune = true;        // look at an image with the same obligations once
        bool every_point = false; // of all the program's operations, not only of the last
        StateLimits limits;
    };

    Explorer(pms::Granularity granularity, const Start &start, Seen &seen, Counters &counters);

    std::optional<Violation> explore(const Program &program, const Settings &settings);
    // Making a stream, in place of a program.
    std::optional<Violation> explore_creation(const Settings &settings);

private:
    struct Point {
        pms::SimulatedImage::Uncertain uncertain;
        Obligations owed;
        std::string how;
    };

    void after_kill(const pms::SimulatedImage::Killed &killed, const Obligations &owed);
    void visit(const std::vector<Point> &points, int depth);
    void visit(const CrashState &state, const Obligations &owed, int depth);
    // Opens what `image_` holds and checks it. `points`: where to put the crash points met, nullptr: nowhere.
    void recover(const Obligations &owed, std::vector<Point> *points);
    void go_on(const pms::SimulatedImage::Bytes &recovered, const Obligations &owed);
    void reopen_and_compare(const pms::SimulatedImage::Bytes &bytes, const Obligations &owed, const char *when);
    // Whether nobody looked at what has this hash for this purpose, or another one up to `last`.
    bool is_new(std::uint64_t hash, std::uint64_t purpose, std::uint64_t last);
    // Whether all that could be lost at this point was looked at, at this depth or deeper.
    bool is_new(const Point &point, int depth);
    // One bit of each region's last acknowledged entry in turn: that is reported, and ends no log.
    void damage_is_told(const pms::SimulatedImage::Bytes &bytes, const Obligations &owed);
    // The same of a superblock.
    void superblocks_are_checked(const pms::SimulatedImage::Bytes &bytes, const Obligations &owed);
    void violated(const std::string &what);

    const pms::Granularity granularity_;
    const Start start_;
    Seen &seen_;
    Counters &counters_;
    Settings settings_;
    std::mt19937_64 random_{1};
    pms::SimulatedImage program_image_;
    pms::SimulatedImage image_;      // recovered in
    pms::SimulatedImage next_image_; // gone on with
    pms::SimulatedImage::Bytes bytes_;
    std::vector<std::string> path_;
    char operation_ = 0;
    std::optional<Violation> violation_;
};

} // namespace explorer
