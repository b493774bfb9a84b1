// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

#include "crash/explorer/explorer.hpp"

#include "base/checksum.hpp"

#include <algorithm>
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
      program_image_(image_size, granularity), image_(image_size, granularity), next_image_(image_size, granularity),
      bytes_(image_size)
{}

void Explorer::violated(const std::string &what)
{
    if (!violation_)
        violation_ = Violation{{}, path_, what};
}

bool Explorer::is_new(const Point &point, int depth)
{
    std::vector<std::uint64_t> all{point.owed.hash(), hash_of(point.uncertain.durable)};
    for (const SimulatedImage::Pending &store : point.uncertain.pending)
        all.insert(all.end(), {store.word << 1 | (store.non_temporal ? 1U : 0U), store.value});
    return is_new(pms::hash(all.data(), all.size() * sizeof all[0], 2), met + static_cast<std::uint64_t>(depth),
                  met + deepest);
}

bool Explorer::is_new(std::uint64_t hash, std::uint64_t purpose, std::uint64_t last)
{
    if (!settings_.prune)
        return true;
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
    // Freeing has made the checkpoints follow what is acknowledged.
    if (applicable && !program.empty() && program.back() == static_cast<char>(Operation::free) &&
        !run.has_reservations() && run.owed().acknowledged == run.owed().last_timestamp())
        damage_is_told(program_image_.power_cut_losing_all(), run.owed());
    if (program.empty())
        superblocks_are_checked(program_image_.power_cut_losing_all(), run.owed());
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
        const std::uint64_t owed = point.owed.hash();
        std::uint64_t n = 0;
        each_crash_state(
            point.uncertain, granularity_, settings_.limits, random_,
            [&](const CrashState &state) {
                ++n;
                // What was looked at to this depth, or deeper, tells nothing new.
                const std::uint64_t hash = state.hash + owed * 3;
                const bool fresh = is_new(hash, looked_at, looked_at);
                const bool deeper = depth > 0 && is_new(hash, looked_at + static_cast<std::uint64_t>(depth), deepest);
                if (fresh) {
                    ++counters_.states;
                    ++counters_.states_by_operation[static_cast<unsigned char>(operation_)];
                }
                if (fresh || deeper) {
                    const Path image(path_, "image " + std::to_string(n));
                    visit(state, point.owed, deeper ? depth : 0);
                }
                return !violation_;
            },
            counts);
    }
    counters_.images += counts.images;
    counters_.sampled_points += counts.sampled_points;
}

void Explorer::visit(const CrashState &state, const Obligations &owed, int depth)
{
    state.write_to(bytes_);
    image_.reset(bytes_);
    if (depth == 0)
        return recover(owed, nullptr);
    std::vector<Point> points;
    recover(owed, &points);
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
    if (image_.has_pending()) {
        const Path path(path_, "power cut after recovery, losing all");
        reopen_and_compare(image_.power_cut_losing_all(), found, "recovering again");
    }
    if (is_new(pms::hash(recovered.data(), recovered.size(), found.hash()), gone_on_with, gone_on_with))
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

void Explorer::superblocks_are_checked(const SimulatedImage::Bytes &bytes, const Obligations &owed)
{
    for (const std::size_t offset : {20, 4096 + 20}) { // in the UUID, on which all other checksums depend
        SimulatedImage::Bytes damaged = bytes;
        damaged[offset] ^= std::byte{1};
        const Path path(path_, "a flipped bit at " + std::to_string(offset));
        next_image_.reset(damaged);
        pmemstream *stream = nullptr;
        if (pmemstream_from_map(&stream, block_size, next_image_.map()) != 0)
            return violated(std::string("opening: ") + pmemstream_errormsg());
        pmemstream_info info{};
        if (pmemstream_get_info(stream, &info, sizeof info) != 0 || info.damage_count != 1)
            violated("damage was not reported");
        if (pmemstream_persisted_timestamp(stream) != owed.acknowledged)
            violated("damage ended the log");
        next_image_.kill();
        pmemstream_delete(&stream);
    }
}

void Explorer::damage_is_told(const SimulatedImage::Bytes &bytes, const Obligations &owed)
{
    for (std::size_t region = 0; region < owed.regions.size(); ++region) {
        if (owed.regions[region].state != Region::State::live)
            continue;
        const auto last = std::find_if(owed.entries.rbegin(), owed.entries.rend(), [&](const Entry &entry) {
            return entry.region == region && entry.timestamp <= owed.acknowledged && entry.size != 0;
        });
        if (last == owed.entries.rend())
            continue;
        SimulatedImage::Bytes damaged = bytes;
        damaged[last->offset + 16] ^= std::byte{1};
        next_image_.reset(damaged);
        const Path path(path_, "a flipped bit in the entry with timestamp " + std::to_string(last->timestamp));
        pmemstream *stream = nullptr;
        if (pmemstream_from_map(&stream, block_size, next_image_.map()) != 0)
            return violated(std::string("opening: ") + pmemstream_errormsg());
        pmemstream_verify_result result{};
        if (pmemstream_persisted_timestamp(stream) < owed.acknowledged)
            violated("damage ended the log");
        else if (pmemstream_verify(stream, nullptr, nullptr, &result) != 0 || result.damages != 1)
            violated("damage was not reported");
        next_image_.kill();
        pmemstream_delete(&stream);
    }
}

void Explorer::go_on(const SimulatedImage::Bytes &recovered, const Obligations &owed)
{
    ++counters_.continued;
    const Path path(path_, "going on");
    reopen_and_compare(recovered, owed, "recovering twice");
    if (!violation_)
        damage_is_told(recovered, owed);
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
