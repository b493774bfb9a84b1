// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

#include "crash/explorer/explorer.hpp"

#include "base/checksum.hpp"

#include <utility>

namespace explorer {
namespace {

using pms::SimulatedImage;

// Opening looks at each word of the image a few times, and at some of its metadata again.
constexpr std::uint64_t max_loads_to_open = image_size / 8 * 4;

// Entries that a user appends after a recovery have ids of their own.
constexpr std::uint64_t first_id_afterwards = 1 << 20;

// The purposes for which an image is looked at. Behind the first come those with crashes inside its recovery, as many
// as their number tells.
constexpr std::uint64_t looked_at = 0;
constexpr std::uint64_t deepest = 3;
constexpr std::uint64_t gone_on_with = 4;
constexpr std::uint64_t met = 5; // of crash points

class Path {
public:
    Path(std::vector<std::string> &path, std::string step) : path_(path) { path_.push_back(std::move(step)); }
    ~Path() { path_.pop_back(); }
    Path(const Path &) = delete;
    Path &operator=(const Path &) = delete;

private:
    std::vector<std::string> &path_;
};

} // namespace

Explorer::Explorer(pms::Granularity granularity, const Start &start, Seen &seen, Counters &counters)
    : granularity_(granularity), start_(start), seen_(seen), counters_(counters),
      program_image_(image_size, granularity), image_(image_size, granularity), next_image_(image_size, granularity)
{}

void Explorer::violated(const std::string &what)
{
    if (!violation_)
        violation_ = Violation{{}, path_, what};
}

bool Explorer::is_new(const SimulatedImage::Bytes &bytes, const Obligations &owed, std::uint64_t purpose,
                      std::uint64_t last)
{
    return !settings_.prune || is_new(pms::hash(bytes.data(), bytes.size(), owed.hash()), purpose, last);
}

bool Explorer::is_new(const Point &point, int depth)
{
    if (!settings_.prune)
        return true;
    const SimulatedImage::Uncertain &uncertain = point.uncertain;
    std::vector<std::uint64_t> pending{point.owed.hash()};
    for (const SimulatedImage::Pending &store : uncertain.pending)
        pending.insert(pending.end(), {store.word << 1 | (store.non_temporal ? 1U : 0U), store.value});
    const std::uint64_t hash = pms::hash(uncertain.durable.data(), uncertain.durable.size() * 8,
                                         pms::hash(pending.data(), pending.size() * 8, 2));
    return is_new(hash, met + static_cast<std::uint64_t>(depth), met + deepest);
}

bool Explorer::is_new(std::uint64_t hash, std::uint64_t purpose, std::uint64_t last)
{
    const auto key = [&](std::uint64_t of) { return (hash + of) * 0x9e3779b97f4a7c15; };
    for (std::uint64_t other = purpose + 1; other <= last; ++other)
        if (seen_.contains(key(other)))
            return false;
    return seen_.insert(key(purpose));
}

std::optional<Violation> Explorer::explore(const Program &program, const Settings &settings)
{
    settings_ = settings;
    violation_.reset();
    path_ = {"program " + program};
    std::vector<Point> points;
    std::vector<SimulatedImage::Killed> kills;

    program_image_.reset(start_.bytes);
    Run run(program_image_, start_);
    bool applicable = run.wrong().empty();
    for (std::size_t i = 0; applicable && i < program.size(); ++i) {
        int fence = 0;
        const bool visited = i + 1 == program.size() || settings.every_point;
        const auto note = [&](const std::string &how) {
            points.push_back({program_image_.uncertain(), run.owed(), how});
            kills.push_back(program_image_.killed_now());
        };
        if (visited)
            program_image_.before_fence = [&] {
                note("power cut at fence " + std::to_string(fence++) + " of operation " + std::to_string(i));
            };
        applicable = run.apply(static_cast<Operation>(program[i]));
        program_image_.before_fence = nullptr;
        if (applicable && visited)
            note("power cut after operation " + std::to_string(i));
    }
    next_id_ = run.next_id();
    operation_ = program.empty() ? '.' : program.back();
    if (!run.wrong().empty()) {
        violated(run.wrong());
    } else if (!applicable) {
        ++counters_.inapplicable;
        return std::nullopt;
    }
    ++counters_.programs;
    visit(points, settings.recovery_depth);
    for (std::size_t i = 0; i < kills.size() && !violation_; ++i) {
        const Path path(path_, "kill -9 instead of the " + points[i].how);
        after_kill(kills[i], points[i].owed);
    }
    if (violation_)
        violation_->program = program;
    return violation_;
}

std::optional<Violation> Explorer::explore_creation(const Settings &settings)
{
    settings_ = settings;
    violation_.reset();
    path_ = {"creation"};
    operation_ = '*';
    next_id_ = 0;
    std::vector<Point> points;
    image_.reset(SimulatedImage::Bytes(image_size));
    recover(nothing_owed(), &points);
    visit(points, settings.recovery_depth);
    return violation_;
}

void Explorer::after_kill(const SimulatedImage::Killed &killed, const Obligations &owed)
{
    image_.revive_as(killed);
    std::vector<Point> points;
    recover(owed, &points);
    visit(points, settings_.recovery_depth);
}

void Explorer::visit(const std::vector<Point> &points, int depth)
{
    StateCounts counts;
    for (const Point &point : points) {
        if (violation_)
            break;
        ++counters_.points;
        if (!is_new(point, depth)) {
            ++counters_.pruned_points;
            continue;
        }
        const Path path(path_, point.how);
        std::uint64_t n = 0;
        each_crash_state(
            point.uncertain, image_size, granularity_, settings_.limits, random_,
            [&](const SimulatedImage::Bytes &bytes) {
                const Path image(path_, "image " + std::to_string(n++));
                visit(bytes, point.owed, depth);
                return !violation_;
            },
            counts);
    }
    counters_.images += counts.images;
    counters_.sampled_points += counts.sampled_points;
}

void Explorer::visit(const SimulatedImage::Bytes &bytes, const Obligations &owed, int depth)
{
    const bool fresh = is_new(bytes, owed, looked_at, looked_at);
    if (fresh) {
        ++counters_.states;
        ++counters_.states_by_operation[static_cast<unsigned char>(operation_)];
    }
    const bool deeper = depth > 0 && is_new(bytes, owed, looked_at + static_cast<std::uint64_t>(depth), deepest);
    if (!fresh && !deeper)
        return;
    image_.reset(bytes);
    std::vector<Point> points;
    recover(owed, deeper ? &points : nullptr);
    if (deeper)
        visit(points, depth - 1);
}

void Explorer::recover(const Obligations &owed, std::vector<Point> *points)
{
    int fence = 0;
    if (points != nullptr)
        image_.before_fence = [&] {
            points->push_back(
                {image_.uncertain(), owed, "power cut at fence " + std::to_string(fence++) + " of recovery"});
        };
    pmemstream *stream = nullptr;
    const int result = pmemstream_from_map(&stream, block_size, image_.map());
    image_.before_fence = nullptr;
    if (result != 0)
        return violated(std::string("opening: ") + pmemstream_errormsg());
    if (image_.counts().loads > max_loads_to_open)
        violated("opening took " + std::to_string(image_.counts().loads) + " loads");
    Obligations found = owed;
    if (const std::string wrong = compare(stream, found); !wrong.empty())
        violated(wrong);
    found.reopened(pmemstream_persisted_timestamp(stream));
    if (points != nullptr)
        points->push_back({image_.uncertain(), found, "power cut after recovery"});
    image_.kill();
    pmemstream_delete(&stream);
    if (violation_)
        return;
    // What was reported survives, also if nothing more becomes durable.
    const SimulatedImage::Bytes recovered = image_.killed();
    if (image_.power_cut_losing_all() != recovered) {
        const Path path(path_, "power cut after recovery, losing all");
        reopen_and_compare(image_.power_cut_losing_all(), found, "recovering again");
    }
    if (is_new(recovered, found, gone_on_with, gone_on_with))
        go_on(recovered, found);
}

void Explorer::reopen_and_compare(const SimulatedImage::Bytes &bytes, const Obligations &owed, const char *when)
{
    next_image_.reset(bytes);
    pmemstream *stream = nullptr;
    if (pmemstream_from_map(&stream, block_size, next_image_.map()) != 0)
        return violated(std::string(when) + ": " + pmemstream_errormsg());
    Obligations found = owed;
    std::string wrong = compare(stream, found);
    if (wrong.empty() && pmemstream_persisted_timestamp(stream) != owed.acknowledged)
        wrong = "the log ends elsewhere";
    if (!wrong.empty())
        violated(when + (": " + wrong));
    next_image_.kill();
    pmemstream_delete(&stream);
}

void Explorer::go_on(const SimulatedImage::Bytes &recovered, const Obligations &owed)
{
    ++counters_.continued;
    const Path path(path_, "going on");
    reopen_and_compare(recovered, owed, "recovering twice");
    if (violation_)
        return;
    Start start{recovered, owed, first_id_afterwards};
    // Entries of the sizes that may have been lost, at the places and with the timestamps they may have had.
    for (const char *const afterwards : {"a", "b", "nnbxf", "yrbw"}) {
        next_image_.reset(recovered);
        {
            Run run(next_image_, start);
            for (const char *operation = afterwards; *operation != '\0' && run.wrong().empty(); ++operation)
                run.apply(static_cast<Operation>(*operation));
            if (!run.wrong().empty())
                return violated(std::string(afterwards) + ": " + run.wrong());
            start.owed = run.owed();
        }
        const SimulatedImage::Bytes cut = next_image_.power_cut_losing_all();
        Obligations after = start.owed;
        after.reopened(after.acknowledged);
        const Path more(path_, std::string(afterwards) + ", power cut");
        reopen_and_compare(cut, after, afterwards);
        if (violation_)
            return;
        start.owed = owed;
    }
}

} // namespace explorer
