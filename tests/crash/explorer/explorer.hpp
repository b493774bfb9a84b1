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

#include <array>
#include <atomic>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

namespace explorer {

// Shared by all processes.
struct Counters {
    std::atomic<std::uint64_t> programs;
    std::atomic<std::uint64_t> inapplicable;   // programs that are the same as shorter ones
    std::atomic<std::uint64_t> points;         // crash points
    std::atomic<std::uint64_t> pruned_points;  // of those, that were met before
    std::atomic<std::uint64_t> sampled_points; // of those, with more images than were looked at
    std::atomic<std::uint64_t> kills;          // and of those, kills instead of power cuts
    std::atomic<std::uint64_t> images;         // that the power cuts may leave, counted each time they were met
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
    // What is damaged in what a program leaves when it is closed: flipped bits of every word, lines of zeros and ones,
    // lines put back as they were before the program; with many, also headers of entries that are replaced by what
    // stands elsewhere.
    enum class Damages : std::uint8_t { none, few, many };
    struct Settings {
        int recovery_depth = 0;   // crashes inside recovery
        bool prune = true;        // look once at an image with the same obligations; the same of crash points
        bool every_point = false; // of all the program's operations, not only of the last
        Damages damages = Damages::none;
        StateLimits limits;
    };

    Explorer(pms::Granularity granularity, const Start &start, Seen &seen, Counters &counters);

    std::optional<Violation> explore(const Program &program, const Settings &settings);
    // How much of that program could be done: its size, or the place of the operation that could not.
    std::size_t done() const { return done_; }
    // Making a stream, in place of a program.
    std::optional<Violation> explore_creation(const Settings &settings);

private:
    // A step on the way to an image.
    struct Step {
        const char *what;
        std::uint64_t number = 0;
        const char *where = nullptr; // and its number
        std::uint64_t of = 0;
    };
    class OnPath;
    struct Owed {
        explicit Owed(Obligations all) : obligations(std::move(all)), hash(obligations.hash()) {}
        Obligations obligations;
        std::uint64_t hash;
    };
    using SharedOwed = std::shared_ptr<const Owed>;
    // A moment at which the power may be cut.
    struct Point {
        pms::SimulatedImage::Uncertain uncertain;
        SharedOwed owed;
        Step how;
    };
    struct Kill {
        pms::SimulatedImage::Killed killed;
        SharedOwed owed;
        Step how;
    };

    // Adds this moment of `image`, unless all that may be lost now was looked at, at this depth or deeper.
    void note(std::vector<Point> &points, const pms::SimulatedImage &image, const SharedOwed &owed, const Step &how,
              int depth);
    void visit(const std::vector<Point> &points, int depth);
    void after_kill(const Kill &kill);
    // Opens what images_[depth] holds and checks it, and goes on with power cuts meanwhile, at depth - 1.
    void recover(const SharedOwed &owed, int depth);
    void go_on(const pms::SimulatedImage::Bytes &recovered, const Obligations &owed);
    void reopen_and_compare(const pms::SimulatedImage::SharedWords &words, const Obligations &owed, const char *when);
    // What the hash stands for is looked at for this purpose, to this depth. Tells whether it was not yet.
    enum class Purpose : std::uint8_t { image, power_cut, kill, go_on, damage };
    bool is_new(std::uint64_t hash, Purpose purpose, int depth)
    {
        return depth_before(hash, purpose, depth) < depth || !settings_.prune;
    }
    // -1: never.
    int depth_before(std::uint64_t hash, Purpose purpose, int depth);
    // One bit of each region's last acknowledged entry in turn: that is reported, and ends no log.
    void damage_is_told(const pms::SimulatedImage::Bytes &bytes, const Obligations &owed);
    // Each damage to a stream that was closed is reported when opening or iterating, or it changes nothing. What is in
    // an entry's data, or more than a bit, is reported when verifying at the latest.
    // `older`: of an earlier time, to put lines of it back; nullptr: not that.
    void damages_are_told(const Start &closed, Damages which, const pms::SimulatedImage::Words *older);
    void damage_is_told(const pms::SimulatedImage::SharedWords &words, const std::vector<std::uint64_t> &places,
                        const std::vector<std::uint64_t> &values, const Obligations &owed);
    // The same of a superblock.
    void superblocks_are_checked(const pms::SimulatedImage::Bytes &bytes, const Obligations &owed);
    // What libpmemstream 0.2.1 did with calls that make no sense cost data.
    void bad_calls_are_refused(const pms::SimulatedImage::Bytes &bytes, const Obligations &owed);
    void bad_opens_are_refused(const pms::SimulatedImage::Bytes &bytes);
    void violated(const std::string &what);

    const pms::Granularity granularity_;
    const Start start_;
    Seen &seen_;
    Counters &counters_;
    Settings settings_;
    std::mt19937_64 random_{1};
    const pms::SimulatedImage::SharedWords start_words_;
    pms::SimulatedImage program_image_;
    std::vector<std::unique_ptr<pms::SimulatedImage>> images_; // recovered in, one for each depth
    pms::SimulatedImage next_image_;                           // gone on with
    std::vector<Step> path_;
    char operation_ = 0;
    std::size_t done_ = 0;
    std::optional<Violation> violation_;
};

} // namespace explorer
