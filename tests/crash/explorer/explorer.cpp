// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

#include "crash/explorer/explorer.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

namespace explorer {
namespace {

using pms::SimulatedImage;

// Opening looks at each word of the image a few times, and at some of its metadata again.
constexpr std::uint64_t max_loads_to_open = image_size / 8 * 4;

// Entries that a user appends after a recovery have ids of their own.
constexpr std::uint64_t first_id_afterwards = 1 << 20;

constexpr int max_depth = 4; // with the recovery of what a kill left
static_assert(max_depth < static_cast<int>(Seen::max_level));

} // namespace

class Explorer::OnPath {
public:
    OnPath(Explorer &explorer, const Step &step) : path_(explorer.path_) { path_.push_back(step); }
    ~OnPath() { path_.pop_back(); }
    OnPath(const OnPath &) = delete;
    OnPath &operator=(const OnPath &) = delete;

private:
    std::vector<Step> &path_;
};

Explorer::Explorer(pms::Granularity granularity, const Start &start, Seen &seen, Counters &counters)
    : granularity_(granularity), start_(start), seen_(seen), counters_(counters),
      start_words_(SimulatedImage::shared(start.bytes)), program_image_(image_size, granularity),
      next_image_(image_size, granularity)
{
    for (int depth = 0; depth <= max_depth; ++depth)
        images_.push_back(std::make_unique<SimulatedImage>(image_size, granularity));
    for (SimulatedImage *image : {&program_image_, &next_image_})
        image->has_size_at(most_file_size);
    for (const auto &image : images_)
        image->has_size_at(most_file_size);
}

void Explorer::violated(const std::string &what)
{
    if (violation_)
        return;
    violation_ = Violation{{}, {}, what};
    for (const Step &step : path_) {
        std::string &text = violation_->path.emplace_back(step.what + std::to_string(step.number));
        if (step.where != nullptr)
            text += step.where + std::to_string(step.of);
    }
}

int Explorer::depth_before(std::uint64_t hash, Purpose purpose, int depth)
{
    const std::uint64_t key = (hash + static_cast<std::uint64_t>(purpose)) * 0x9e3779b97f4a7c15;
    return static_cast<int>(seen_.raise(key, static_cast<unsigned>(depth) + 1)) - 1;
}

void Explorer::note(std::vector<Point> &points, const SimulatedImage &image, const SharedOwed &owed, const Step &how,
                    int depth)
{
    ++counters_.points;
    if (is_new(image.hash_of_uncertain() + owed->hash * 3, Purpose::power_cut, depth))
        points.push_back({image.uncertain(), owed, how});
    else
        ++counters_.pruned_points;
}

std::optional<Violation> Explorer::explore(const Program &program, const Settings &settings)
{
    settings_ = settings;
    violation_.reset();
    path_.clear();
    std::vector<Point> points;
    std::vector<Kill> kills;

    program_image_.reset(start_words_, {}, {});
    Run run(program_image_, start_);
    bool applicable = run.wrong().empty();
    done_ = 0;
    for (std::size_t i = 0; applicable && i < program.size(); ++i) {
        std::uint64_t fence = 0;
        const bool visited = i + 1 == program.size() || settings.every_point;
        const auto look = [&](const Step &how) {
            const auto owed = std::make_shared<const Owed>(run.owed());
            note(points, program_image_, owed, how, settings.recovery_depth);
            ++counters_.points;
            ++counters_.kills;
            if (is_new(program_image_.hash_of_uncertain() + program_image_.hash_of_cache() * 3 + owed->hash * 5,
                       Purpose::kill, settings.recovery_depth))
                kills.push_back({program_image_.killed_now(), owed, how});
            else
                ++counters_.pruned_points;
        };
        if (visited)
            program_image_.before_fence = [&] { look({"power cut at fence ", fence++, " of operation ", i}); };
        applicable = run.apply(static_cast<Operation>(program[i]));
        program_image_.before_fence = nullptr;
        done_ = i + (applicable ? 1 : 0);
        if (applicable && visited)
            look({"power cut after operation ", i});
    }
    // Freeing has made the checkpoints follow what is acknowledged.
    if (applicable && !program.empty() && program.back() == static_cast<char>(Operation::free) &&
        !run.has_reservations() && run.owed().acknowledged == run.owed().last_timestamp())
        damage_is_told(program_image_.power_cut_losing_all(), run.owed());
    if (program.empty()) {
        superblocks_are_checked(program_image_.power_cut_losing_all(), run.owed());
        bad_opens_are_refused(program_image_.power_cut_losing_all());
        bad_calls_are_refused(program_image_.power_cut_losing_all(), run.owed());
    }
    operation_ = program.empty() ? '.' : program.back();
    if (!run.wrong().empty()) {
        violated(run.wrong());
    } else if (!applicable) {
        return std::nullopt;
    }
    ++counters_.programs;
    if (settings.damages != Damages::none && !run.has_failed()) {
        // What was just opened has no mark that it was closed well, and its checkpoints cover everything.
        if (!program.empty() && program.back() == static_cast<char>(Operation::close_and_open))
            damages_are_told({program_image_.power_cut_losing_all(), run.owed()}, settings.damages, nullptr);
        damages_are_told(run.close(), settings.damages, start_words_.get());
    }
    visit(points, settings.recovery_depth);
    for (const Kill &kill : kills)
        if (!violation_)
            after_kill(kill);
    if (violation_) {
        violation_->program = program;
        violation_->path.insert(violation_->path.begin(), "program " + program);
    }
    return violation_;
}

std::optional<Violation> Explorer::explore_creation(const Settings &settings)
{
    settings_ = settings;
    violation_.reset();
    path_.clear();
    operation_ = '*';
    // The creation is the recovery of nothing.
    const int depth = settings.recovery_depth + 1;
    images_[static_cast<std::size_t>(depth)]->reset(empty_image());
    recover(std::make_shared<const Owed>(nothing_owed()), depth);
    return violation_;
}

void Explorer::after_kill(const Kill &kill)
{
    const OnPath step(*this, kill.how);
    const OnPath instead(*this, {"instead of that, kill -9; recovery "});
    const int depth = settings_.recovery_depth + 1;
    images_[static_cast<std::size_t>(depth)]->revive_as(kill.killed);
    recover(kill.owed, depth);
}

void Explorer::visit(const std::vector<Point> &points, int depth)
{
    StateCounts counts;
    for (const Point &point : points) {
        if (violation_)
            break;
        const OnPath step(*this, point.how);
        const std::uint64_t first = counts.images;
        const auto wanted = [&](std::uint64_t hash) {
            const int before = depth_before(hash + point.owed->hash * 3, Purpose::image, depth);
            if (before < 0) {
                ++counters_.states;
                ++counters_.states_by_operation[static_cast<unsigned char>(operation_)];
            }
            return before < depth || !settings_.prune;
        };
        const auto recover_it = [&](const CrashState &state) {
            const OnPath image(*this, {"image ", counts.images - first});
            images_[static_cast<std::size_t>(depth)]->reset(state.durable, state.words, state.values);
            recover(point.owed, depth);
            return !violation_;
        };
        each_crash_state(point.uncertain, granularity_, settings_.limits, random_, wanted, recover_it, counts);
    }
    counters_.images += counts.images;
    counters_.sampled_points += counts.sampled_points;
}

void Explorer::recover(const SharedOwed &owed, int depth)
{
    SimulatedImage &image = *images_[static_cast<std::size_t>(depth)];
    std::vector<Point> points;
    std::uint64_t fence = 0;
    if (depth > 0)
        image.before_fence = [&] { note(points, image, owed, {"power cut at recovery's fence ", fence++}, depth - 1); };
    pmemstream *stream = nullptr;
    const int result = pmemstream_from_map(&stream, block_size, image.map());
    image.before_fence = nullptr;
    if (result != 0)
        return violated(std::string("opening: ") + pmemstream_errormsg());
    if (image.counts().loads > max_loads_to_open)
        violated("opening took " + std::to_string(image.counts().loads) + " loads");
    Obligations found = owed->obligations;
    if (const std::string wrong = compare(stream, found); !wrong.empty())
        violated(wrong);
    found.reopened(pmemstream_persisted_timestamp(stream));
    image.kill();
    pmemstream_delete(&stream);
    if (violation_)
        return;
    // What was reported survives, also if nothing more becomes durable.
    if (image.has_pending()) {
        const OnPath step(*this, {"power cut after recovery, losing all that may be lost, number "});
        reopen_and_compare(SimulatedImage::shared(image.power_cut_losing_all()), found, "recovering again");
    }
    const auto found_owed = std::make_shared<const Owed>(std::move(found));
    if (is_new(image.hash_of_cache() + found_owed->hash * 3, Purpose::go_on, 0))
        go_on(image.killed(), found_owed->obligations);
    if (depth == 0 || violation_)
        return;
    note(points, image, found_owed, {"power cut after recovery ", 0}, depth - 1);
    visit(points, depth - 1);
}

void Explorer::reopen_and_compare(const SimulatedImage::SharedWords &words, const Obligations &owed, const char *when)
{
    next_image_.reset(words, {}, {});
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
        const OnPath step(*this, {"a flipped bit at ", static_cast<std::uint64_t>(offset)});
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

void Explorer::damages_are_told(const Start &closed, Damages which, const SimulatedImage::Words *older)
{
    const SimulatedImage::SharedWords words = SimulatedImage::shared(closed.bytes);
    if (violation_ || !is_new(words->hash + closed.owed.hash() * 3, Purpose::damage, which == Damages::many ? 1 : 0))
        return;
    const OnPath step(*this, {"closed at timestamp ", closed.owed.acknowledged});
    const std::vector<std::uint64_t> &values = words->values;
    constexpr std::uint64_t line = 8;
    for (std::uint64_t word = 0; word < most_file_size / 8 && !violation_; ++word) {
        if (values[word] != 0)
            for (const std::uint64_t bit : {word % 64, (word + 21) % 64, (word + 42) % 64}) {
                const OnPath damage(*this, {"a flipped bit, number ", bit, " of word ", word});
                damage_is_told(words, {word}, {values[word] ^ std::uint64_t{1} << bit}, closed.owed);
            }
        if (word % line != 0 || std::all_of(&values[word], &values[word] + line, [](auto value) { return value == 0; }))
            continue;
        std::vector<std::uint64_t> all(line);
        std::iota(all.begin(), all.end(), word);
        for (const std::uint64_t value : {std::uint64_t{0}, UINT64_MAX}) {
            const OnPath damage(*this, {"a line of words ", value, " at word ", word});
            damage_is_told(words, all, std::vector<std::uint64_t>(line, value), closed.owed);
        }
        if (older != nullptr) {
            const OnPath damage(*this, {"a line put back as it was before, at word ", word});
            damage_is_told(words, all, {&older->values[word], &older->values[word] + line}, closed.owed);
        }
    }
    if (which == Damages::few)
        return;
    for (std::uint64_t from = 0; from + 1 < values.size(); ++from)
        for (const Entry &entry : closed.owed.entries) {
            if (values[from] == 0 || violation_)
                continue;
            const std::uint64_t to = entry.offset / 8;
            const OnPath damage(*this, {"an entry's header is a copy of word ", from, " and the next, at word ", to});
            damage_is_told(words, {to, to + 1}, {values[from], values[from + 1]}, closed.owed);
        }
}

void Explorer::damage_is_told(const SimulatedImage::SharedWords &words, const std::vector<std::uint64_t> &places,
                              const std::vector<std::uint64_t> &values, const Obligations &owed)
{
    next_image_.reset(words, places, values);
    const std::uint64_t before = next_image_.hash_of_cache();
    pmemstream *stream = nullptr;
    if (pmemstream_from_map(&stream, block_size, next_image_.map()) != 0) {
        if (next_image_.hash_of_cache() != before)
            violated("opening was refused, and wrote to the image");
        return;
    }
    Obligations same = owed;
    const std::string wrong = compare(stream, same);
    if (!wrong.empty() && !wrong.starts_with(damage_reported)) {
        pmemstream_verify_result result{};
        const bool in_data = std::ranges::any_of(owed.entries, [&](const Entry &entry) {
            return std::ranges::any_of(places, [&](std::uint64_t word) {
                return word * 8 >= entry.offset + 16 && word * 8 < entry.offset + 16 + entry.size;
            });
        });
        const bool verifying_tells = in_data || places.size() > 1;
        if (!verifying_tells || pmemstream_verify(stream, nullptr, nullptr, &result) != 0 || result.damages == 0)
            violated("damage was not reported: " + wrong);
    }
    next_image_.kill();
    pmemstream_delete(&stream);
}

void Explorer::bad_opens_are_refused(const SimulatedImage::Bytes &bytes)
{
    struct Bad {
        const char *what;
        std::size_t map_size;
        std::size_t block_size;
    };
    for (const Bad &bad : {Bad{"another block size, ", file_size, 2 * block_size},
                           Bad{"a file that grew, to ", file_size + block_size, block_size},
                           Bad{"a file that was truncated, to ", file_size - block_size, block_size}}) {
        SimulatedImage::Bytes changed = bytes;
        changed.resize(bad.map_size);
        SimulatedImage image(changed, granularity_);
        const OnPath step(*this, {"opened with ", bad.block_size, bad.what, bad.map_size});
        pmemstream *stream = nullptr;
        if (pmemstream_from_map(&stream, bad.block_size, image.map()) == 0) {
            violated("that was not refused");
            pmemstream_delete(&stream);
        }
        if (image.killed() != changed)
            violated("that wrote to the image");
    }
}

void Explorer::bad_calls_are_refused(const SimulatedImage::Bytes &bytes, const Obligations &owed)
{
    next_image_.reset(bytes);
    pmemstream *stream = nullptr;
    if (pmemstream_from_map(&stream, block_size, next_image_.map()) != 0)
        return violated(std::string("opening: ") + pmemstream_errormsg());
    const pmemstream_region region{owed.regions.back().offset};
    pmemstream_entry entry{};
    void *data = nullptr;
    if (pmemstream_reserve(stream, region, nullptr, 8, &entry, &data) != 0)
        violated(std::string("reserving: ") + pmemstream_errormsg());
    for (const std::uint64_t size :
         {std::uint64_t{1} << 62, (std::uint64_t{1} << 62) - 16, UINT64_MAX - 8, UINT64_MAX}) {
        const OnPath step(*this, {"size ", size});
        pmemstream_region new_region{};
        pmemstream_entry new_entry{};
        void *new_data = nullptr;
        if (pmemstream_region_allocate(stream, size, &new_region) == 0 ||
            pmemstream_reserve(stream, region, nullptr, size, &new_entry, &new_data) == 0 ||
            pmemstream_append(stream, region, nullptr, bytes.data(), size, nullptr) == 0 ||
            pmemstream_publish(stream, region, nullptr, entry, size) == 0)
            violated("a size that cannot be was not refused");
    }
    Obligations same = owed;
    if (const std::string wrong = compare(stream, same); !wrong.empty())
        violated("bad calls had an effect: " + wrong);
    next_image_.kill();
    pmemstream_delete(&stream);
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
        const OnPath step(*this, {"a flipped bit in the entry with timestamp ", last->timestamp});
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
    const OnPath step(*this, {"going on "});
    const SimulatedImage::SharedWords words = SimulatedImage::shared(recovered);
    reopen_and_compare(words, owed, "recovering twice");
    if (!violation_)
        damage_is_told(recovered, owed);
    if (violation_)
        return;
    Start start{recovered, owed, first_id_afterwards};
    // Entries of the sizes that may have been lost, at the places and with the timestamps they may have had.
    for (const char *const afterwards : {"a", "b", "nnbxf", "yrbw"}) {
        next_image_.reset(words, {}, {});
        {
            Run run(next_image_, start);
            for (const char *operation = afterwards; *operation != '\0' && run.wrong().empty(); ++operation)
                run.apply(static_cast<Operation>(*operation));
            if (!run.wrong().empty())
                return violated(std::string(afterwards) + ": " + run.wrong());
            start.owed = run.owed();
        }
        Obligations after = start.owed;
        after.reopened(after.acknowledged);
        reopen_and_compare(SimulatedImage::shared(next_image_.power_cut_losing_all()), after, afterwards);
        if (violation_)
            return;
        start.owed = owed;
    }
}

} // namespace explorer
