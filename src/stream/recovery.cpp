// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

#include "stream/recovery.hpp"

#include "integrity/checked.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <map>

namespace pms {
namespace {

using format::OffsetWord;
using format::TimestampWord;

constexpr std::uint64_t no_region = UINT64_MAX;

template <typename Word>
std::optional<std::uint64_t> read_word(const Medium &medium, const format::Geometry &geometry, std::uint64_t offset)
{
    return Word::decode(medium.load(offset), format::word_seed(geometry.stream_seed, offset));
}

template <typename Word>
void write_word(Medium &medium, const format::Geometry &geometry, std::uint64_t offset, std::uint64_t value,
                Medium::Site site = Medium::Site::current())
{
    medium.store(offset, Word::encode(value, format::word_seed(geometry.stream_seed, offset)), site);
}

struct StreamWords {
    std::array<std::optional<std::uint64_t>, format::copies> durable_timestamp;
    std::array<std::optional<std::uint64_t>, format::copies> next_generation;
    std::optional<std::uint64_t> clean_mark;

    // The copies are written one after the other, and only ever raised: the higher one counts.
    static std::optional<std::uint64_t> newest(const std::array<std::optional<std::uint64_t>, format::copies> &copies)
    {
        return std::max(copies[0], copies[1]); // nullopt is the least
    }
};

StreamWords read_words(const Medium &medium, const format::Geometry &geometry)
{
    StreamWords words;
    for (int copy = 0; copy < format::copies; ++copy) {
        words.durable_timestamp[copy] =
            read_word<TimestampWord>(medium, geometry, format::durable_timestamp_offset(copy));
        words.next_generation[copy] = read_word<OffsetWord>(medium, geometry, format::next_generation_offset(copy));
    }
    words.clean_mark = read_word<OffsetWord>(medium, geometry, format::clean_mark_offset);
    return words;
}

bool marked_clean(const StreamWords &words)
{
    return words.clean_mark && *words.clean_mark != 0;
}

bool digest_holds(const Medium &medium, const format::Geometry &geometry, const StreamWords &words,
                  const Tiling &tiling)
{
    const auto timestamp = StreamWords::newest(words.durable_timestamp);
    const auto generation = StreamWords::newest(words.next_generation);
    return timestamp && generation && words.clean_mark &&
           checked(*words.clean_mark == metadata_digest(medium, geometry, tiling, *timestamp, *generation));
}

// ---- The regions of a stream that was not closed cleanly

// What plan_recovery() knows of a region before it knows where the log ends.
struct Scanned {
    RegionReading reading;
    RegionScan scan;
};

// The chain ends where a crash tore a record, or where one that was durable was damaged: in the checkpoint itself, in
// front of the end of what is known durable, or of an acknowledged record.
bool broken_by_damage(const RegionScan &scan, std::uint64_t durable)
{
    return !scan.checkpoint_holds || scan.chain_end < scan.known_end ||
           std::ranges::any_of(
               scan.strays, [&](const FoundRecord &stray) { return stray.holds_data() && stray.timestamp <= durable; });
}

// Whether a timestamp above `durable` lies in front of the region's checkpoint, where none can be. Asked where no
// record stands at the checkpoint: is that damaged, or the checkpoint?
bool later_in_front(const Medium &medium, const RegionReading &region, std::uint64_t durable)
{
    RecordSearch search(medium, region.seed, region.data_begin(), *region.checkpoint);
    std::uint64_t from = region.data_begin();
    while (const auto record = search.next(from)) {
        if (record->timestamp > durable)
            return true;
        from = record->end;
    }
    return false;
}

// The log's end: the last timestamp before the first that is missing above `durable`, or is above `most`; never inside
// a batch.
std::uint64_t end_of_log(const std::vector<Scanned> &regions, std::uint64_t durable, std::uint64_t most)
{
    std::vector<std::pair<std::uint64_t, format::Kind>> found;
    const auto collect = [&](const std::vector<FoundRecord> &records) {
        for (const FoundRecord &record : records)
            if (record.timestamp > durable && record.timestamp <= most)
                found.emplace_back(record.timestamp, record.kind);
    };
    for (const Scanned &region : regions) {
        collect(region.scan.chain);
        if (broken_by_damage(region.scan, durable))
            collect(region.scan.strays);
    }
    std::ranges::sort(found);
    std::uint64_t end = durable;
    std::uint64_t whole_end = durable;
    for (const auto &[timestamp, kind] : found) {
        if (timestamp == end)
            continue;
        if (timestamp != end + 1)
            break;
        end = timestamp;
        if (kind != format::Kind::member)
            whole_end = end;
    }
    return whole_end;
}

// Decides what of one region is accepted.
RecoveredRegion settle_region(const Scanned &scanned, std::uint64_t durable, std::uint64_t end, RecoveryPlan &plan)
{
    const RegionReading &reading = scanned.reading;
    const RegionScan &scan = scanned.scan;
    const std::uint64_t limit = reading.limit.value_or(reading.end());
    const bool has_checkpoint = reading.limit && reading.checkpoint && *reading.checkpoint != 0;

    RecoveredRegion region;
    region.reading = reading;
    region.kept_from = has_checkpoint ? *reading.checkpoint : reading.data_begin();
    region.tail = region.kept_from;
    region.last_record = has_checkpoint ? *reading.checkpoint : 0;
    std::vector<Gap> unaccepted; // in front of what may be accepted behind them
    std::vector<Gap> standing;   // fillers there

    const auto drop = [&](const FoundRecord &record) { plan.dropped.push_back({reading.offset, record}); };
    const auto accept = [&](const FoundRecord &record) {
        region.tail = record.end;
        region.last_record = record.offset;
        region.fillers.insert(region.fillers.end(), unaccepted.begin(), unaccepted.end());
        unaccepted.clear();
        region.standing_fillers.insert(region.standing_fillers.end(), standing.begin(), standing.end());
        standing.clear();
        if (!has_checkpoint || record.offset != *reading.checkpoint)
            plan.recovered_entries += record.holds_data();
    };

    std::size_t hole = 0;
    for (const FoundRecord &record : scan.chain) {
        for (; hole < scan.holes.size() && scan.holes[hole].begin < record.offset; ++hole)
            unaccepted.push_back(scan.holes[hole]);
        const bool is_checkpoint = has_checkpoint && record.offset == *reading.checkpoint;
        if (!record.holds_data())
            standing.push_back({record.offset, record.end});
        if (is_checkpoint || (record.holds_data() && record.timestamp <= end)) {
            accept(record);
        } else if (record.holds_data()) {
            drop(record);
            unaccepted.push_back({record.offset, record.end});
        }
        // A filler is accepted with the next entry behind it, or its space is free again.
    }
    unaccepted.insert(unaccepted.end(), scan.holes.begin() + static_cast<std::ptrdiff_t>(hole), scan.holes.end());

    // What lies between the chain's end and whole records behind it is damaged, or torn.
    const bool checkpoint_lost = has_checkpoint && !scan.checkpoint_holds;
    const bool damaged = broken_by_damage(scan, durable);
    std::uint64_t damage_begin = scan.chain_end;
    std::vector<FoundRecord> before_next; // dropped ones that would lie in front of an accepted one
    const auto erase_dropped = [&] {
        for (const FoundRecord &dropped : before_next)
            region.erased.push_back(dropped.offset);
        before_next.clear();
    };
    for (const FoundRecord &record : scan.strays) {
        if (!record.holds_data())
            continue;
        if (!damaged || record.timestamp > end) {
            drop(record);
            before_next.push_back(record);
            continue;
        }
        if (damage_begin != record.offset)
            plan.damages.push_back({damage_begin, record.offset - damage_begin, reading.offset, 0,
                                    "what lies in front of an acknowledged entry is damaged"});
        erase_dropped();
        accept(record);
        damage_begin = record.end;
    }
    if (damage_begin < scan.known_end) {
        plan.damages.push_back({damage_begin, scan.known_end - damage_begin, reading.offset, 0,
                                "what is known durable behind a reservation is damaged"});
        erase_dropped();
        // As a checkpoint that is damaged: who scans again begins there, and takes what comes behind it.
        region.last_record = damage_begin;
        region.tail = scan.known_end;
        region.standing_fillers.insert(region.standing_fillers.end(), standing.begin(), standing.end());
    } else if (checkpoint_lost && region.last_record == *reading.checkpoint) {
        // Nothing tells where the damaged record ends: everything up to the limit is left as it is.
        plan.damages.push_back(
            {damage_begin, limit - damage_begin, reading.offset, 0, "the last record known durable is damaged"});
        erase_dropped();
        region.tail = limit;
    }
    if (damaged && !scan.complete)
        plan.metadata_damaged = true;
    // The hole that the region's hole words protect is filled first: filling another one overwrites them.
    std::stable_partition(region.fillers.begin(), region.fillers.end(), [&](const Gap &gap) {
        return std::ranges::any_of(scan.holes, [&](const Gap &hole) { return hole.begin == gap.begin; });
    });
    return region;
}

// A region whose header cannot be believed: nothing in it can be checked. It is listed behind all others.
RecoveredRegion unreadable(const RegionReading &reading)
{
    RecoveredRegion region;
    region.reading = reading;
    region.reading.generation = reading.offset | 1ULL << 63;
    region.tail = reading.data_begin();
    return region;
}

bool limit_has_moved(const Medium &medium, const format::Geometry &geometry, const RegionReading &reading)
{
    return read_region(medium, geometry, reading.offset, reading.size).limit != reading.limit;
}

// The writer beside whom a stream is read, if there is one. Made before anything is read.
class WriterBeside {
public:
    // `has_writer` tells whether he is there now; empty: there is none.
    WriterBeside(const Medium &medium, const std::function<bool()> &has_writer)
        : medium_(medium), has_writer_(has_writer), recoveries_(medium.load(format::recoveries_offset)),
          is_there_(asked()), persisted_before_(is_there_ ? medium.load(format::watermark_offset) : 0)
    {}

    bool is_there() const noexcept { return is_there_; }
    // What he had persisted before anything was read; 0 without him.
    std::uint64_t persisted_before() const noexcept { return persisted_before_; }
    // Once all records were read: up to where he has persisted them. Without him, all of them.
    std::uint64_t most_persisted()
    {
        is_there_ = is_there_ || asked();
        return is_there_ ? medium_.load(format::watermark_offset) : format::max_timestamp;
    }
    // Once everything was read: whether one may have dropped a part of it meanwhile.
    bool recovered_meanwhile() const
    {
        // What was read before comes before this load.
        std::atomic_thread_fence(std::memory_order_acquire);
        return has_writer_ && medium_.load(format::recoveries_offset) != recoveries_;
    }

private:
    bool asked() const { return has_writer_ && has_writer_(); }

    const Medium &medium_;
    const std::function<bool()> &has_writer_;
    const std::uint64_t recoveries_;
    bool is_there_;
    const std::uint64_t persisted_before_;
};

void recover_unclean(const Medium &medium, const format::Geometry &geometry, const std::vector<RegionReading> &readings,
                     std::uint64_t durable, WriterBeside &writer, RecoveryPlan &plan)
{
    std::vector<Scanned> regions;
    regions.reserve(readings.size());
    for (const RegionReading &reading : readings) {
        Scanned scanned{reading, {}};
        if (reading.identity_holds)
            scanned.scan = scan_region(medium, reading);
        // Where a writer has moved it meanwhile, all that he had persisted before lies in front of it.
        if (!scanned.scan.limit_holds && !limit_has_moved(medium, geometry, reading)) {
            plan.metadata_damaged = true;
            plan.damages.push_back({reading.offset + offsetof(format::RegionHeader, limit), 8, reading.offset, 0,
                                    "a region's limit is older than what lies behind it"});
            scanned.reading.limit = std::nullopt;
            scanned.scan = scan_region(medium, scanned.reading);
        }
        regions.push_back(std::move(scanned));
    }
    for (const Scanned &region : regions) {
        if (!region.reading.checkpoint || *region.reading.checkpoint == 0)
            continue;
        if (!region.scan.checkpoint_holds) {
            if (!later_in_front(medium, region.reading, durable))
                continue;
            plan.metadata_damaged = true;
            plan.damages.push_back({region.reading.offset + offsetof(format::RegionHeader, checkpoint), 8,
                                    region.reading.offset, 0, "a region's checkpoint is one of another time"});
        } else if (!region.scan.chain.empty() && region.scan.chain.front().timestamp > durable) {
            plan.metadata_damaged = true;
            plan.damages.push_back({format::durable_timestamp_offset(0), 8, no_region, 0,
                                    "the durable timestamp is older than a region's checkpoint"});
        }
    }
    plan.persisted = end_of_log(regions, durable, writer.most_persisted());
    plan.overtaken = plan.persisted < writer.persisted_before();
    for (const Scanned &region : regions) {
        if (region.reading.identity_holds) {
            plan.regions.push_back(settle_region(region, durable, plan.persisted, plan));
        } else {
            plan.regions.push_back(unreadable(region.reading));
        }
    }
    if (writer.is_there())
        plan.dropped.clear(); // they are under way
    std::ranges::sort(plan.dropped, {}, [](const Dropped &dropped) { return dropped.record.timestamp; });
}

void recover_clean(const std::vector<RegionReading> &readings, std::uint64_t durable, RecoveryPlan &plan)
{
    plan.persisted = durable;
    for (const RegionReading &reading : readings) {
        RecoveredRegion region;
        region.reading = reading;
        region.tail = reading.limit.value_or(reading.data_begin());
        region.last_record = reading.checkpoint.value_or(0);
        region.kept_from = region.tail;
        plan.regions.push_back(region);
    }
}

} // namespace

namespace {

enum class CleanMark : std::uint8_t {
    absent,
    holds,
    of_other_metadata, // a part of the metadata is older, newer or damaged
};

CleanMark find_damage(const Medium &medium, const format::SuperblockReading &superblocks, const StreamWords &words,
                      const Tiling &tiling, std::vector<Damage> &damages)
{
    const format::Geometry &geometry = superblocks.geometry;
    format::SuperblockReading now = superblocks;
    format::read_changing(medium.at(0), now);
    const auto report = [&](std::uint64_t offset, std::uint64_t size, std::uint64_t region, const char *what) {
        damages.push_back({offset, size, region, 0, what});
    };
    for (int copy = 0; copy < format::copies; ++copy) {
        if (!superblocks.valid[copy])
            report(format::superblock_offset(copy), sizeof(format::Superblock), no_region,
                   "a copy of the superblock is damaged");
        if (!words.durable_timestamp[copy])
            report(format::durable_timestamp_offset(copy), 8, no_region, "a copy of the durable timestamp is damaged");
        if (!words.next_generation[copy])
            report(format::next_generation_offset(copy), 8, no_region, "a copy of the next generation is damaged");
        if (!now.size_holds[copy])
            report(format::stream_size_offset(copy), 8, no_region, "a copy of the stream's size is damaged");
    }
    if (!now.growth_holds)
        report(format::growth_offset, 8, no_region, "the size that the file was growing to is damaged");
    if (!now.durability_holds)
        report(format::durability_offset, 8, no_region, "the stream's durability is damaged");
    if (!words.clean_mark)
        report(format::clean_mark_offset, 8, no_region, "the clean mark is damaged");
    // What a writer has made of it meanwhile may reach from there into what was added.
    const bool grew = now.geometry.stream_size != geometry.stream_size;
    for (const DamagedSpace &space : tiling.damaged)
        if (!grew || space.offset + space.size != geometry.spans_end())
            report(space.offset, space.size, no_region,
                   "a span's word is damaged: what was in the span cannot be told");
    for (const RegionReading &region : tiling.regions) {
        const auto check = [&](bool holds, std::size_t field, const char *what) {
            if (!holds)
                report(region.offset + field, 8, region.offset, what);
        };
        check(region.identity_holds, offsetof(format::RegionHeader, generation), "a region's header is damaged");
        check(region.limit.has_value(), offsetof(format::RegionHeader, limit), "a region's limit is damaged");
        check(region.checkpoint.has_value(), offsetof(format::RegionHeader, checkpoint),
              "a region's checkpoint is damaged");
        check(region.hole_begin.has_value(), offsetof(format::RegionHeader, hole_begin),
              "a region's hole word is damaged");
        check(region.hole_end.has_value(), offsetof(format::RegionHeader, hole_end), "a region's hole word is damaged");
    }
    if (!marked_clean(words))
        return CleanMark::absent;
    if (!digest_holds(medium, geometry, words, tiling)) {
        // What was reported above explains it.
        if (damages.empty())
            report(
                format::clean_mark_offset, 8, no_region,
                "the metadata is not the one the stream was closed with: a part of it is older or newer than the rest");
        return CleanMark::of_other_metadata;
    }
    if (words.durable_timestamp[0] && words.durable_timestamp[1] &&
        words.durable_timestamp[0] != words.durable_timestamp[1])
        report(format::durable_timestamp_offset(0), 8, no_region, "the copies of the durable timestamp differ");
    if (words.next_generation[0] && words.next_generation[1] && words.next_generation[0] != words.next_generation[1])
        report(format::next_generation_offset(0), 8, no_region, "the copies of the next generation differ");
    return CleanMark::holds;
}

} // namespace

void find_metadata_damage(const Medium &medium, const format::SuperblockReading &superblocks,
                          std::vector<Damage> &damages)
{
    const StreamWords words = read_words(medium, superblocks.geometry);
    find_damage(medium, superblocks, words, walk_spans(medium, superblocks.geometry), damages);
}

RecoveryPlan plan_recovery(const Medium &medium, const format::SuperblockReading &superblocks,
                           const std::function<bool()> &has_writer)
{
    const format::Geometry &geometry = superblocks.geometry;
    RecoveryPlan plan;
    WriterBeside writer(medium, has_writer);
    // First: beside a writer, what is read of the regions then is at least what the durable timestamp tells of.
    const StreamWords words = read_words(medium, geometry);
    Tiling tiling = walk_spans(medium, geometry);
    plan.free_spans = std::move(tiling.free_spans);
    tiling.free_spans = plan.free_spans;
    const CleanMark mark = find_damage(medium, superblocks, words, tiling, plan.damages);

    plan.growth_holds = superblocks.growth_holds;
    const auto durable = StreamWords::newest(words.durable_timestamp);
    const auto next_generation = StreamWords::newest(words.next_generation);
    plan.next_generation = next_generation.value_or(0);

    // No two regions of a stream ever have the same generation, and none has one that is still to come.
    std::ranges::sort(tiling.regions, {}, &RegionReading::generation);
    bool generations_hold = next_generation.has_value();
    for (std::size_t i = 0; i < tiling.regions.size(); ++i) {
        const RegionReading &region = tiling.regions[i];
        const bool twice = i > 0 && tiling.regions[i - 1].generation == region.generation;
        if (region.identity_holds && (twice || (next_generation && region.generation >= *next_generation))) {
            generations_hold = false;
            plan.damages.push_back({region.offset, format::region_header_size, region.offset, 0,
                                    "a region's generation is one that cannot be"});
        }
    }
    plan.metadata_damaged = !durable || !generations_hold || !tiling.damaged.empty() ||
                            !std::ranges::all_of(tiling.regions, &RegionReading::whole) ||
                            mark == CleanMark::of_other_metadata;
    plan.was_clean = mark == CleanMark::holds;
    if (plan.was_clean)
        recover_clean(tiling.regions, *durable, plan);
    else
        recover_unclean(medium, geometry, tiling.regions, durable.value_or(0), writer, plan);
    if (writer.recovered_meanwhile())
        plan.overtaken = true;
    return plan;
}

namespace {

// What is to be made durable again may be in the caches only. Byte-addressable media need a flush, no store.
void restore(Medium &medium, std::uint64_t begin, std::uint64_t end)
{
    if (medium.granularity() == Granularity::page)
        medium.store_again(begin, end - begin);
}

// Before the first store: what is dropped may be what somebody is just reading.
void tell_readers(Medium &medium)
{
    if (std::uint64_t *const recoveries = medium.volatile_word(format::recoveries_offset))
        __atomic_fetch_add(recoveries, 1, __ATOMIC_SEQ_CST);
}

// The records of a region, up to its limit.
Error apply_region(Medium &medium, const RecoveredRegion &region, Region &writer, Flush &flush)
{
    const RegionReading &reading = region.reading;
    for (const Gap &gap : region.fillers) {
        // Acknowledged records may lie behind it: while the filler's two words are written, the hole words hold the
        // chain together.
        Flush step(medium);
        writer.set_hole(gap.begin, gap.end, step);
        if (const Error error = step.wait(); failed(error))
            return error;
        writer.fill(gap.begin, gap.end);
        step.add(gap.begin, std::min(gap.end - gap.begin, format::record_header_size));
        if (const Error error = step.wait(); failed(error))
            return error;
    }
    for (const std::uint64_t offset : region.erased)
        medium.store(offset + offsetof(format::RecordHeader, second), 0);
    medium.zero(region.tail, *reading.limit - region.tail);
    restore(medium, region.kept_from, region.tail);
    flush.add(region.kept_from, *reading.limit - region.kept_from);
    return Error::none;
}

} // namespace

Error apply_recovery(Medium &medium, const format::Geometry &geometry, const RecoveryPlan &plan,
                     const std::vector<Region *> &regions)
{
    if (!plan.was_clean)
        tell_readers(medium);
    if (const Error error = write_clean_mark(medium, geometry, 0); failed(error))
        return error;
    if (plan.was_clean)
        return Error::none;

    // What was read may be in the caches only. Everything this open builds on is made durable before anything is
    // reported.
    Flush flush(medium);
    restore(medium, 0, format::min_metadata_size);
    // A power cut may have left their copies different.
    write_next_generation(medium, geometry, plan.next_generation, flush);
    if (medium.load(format::stream_size_offset(0)) != medium.load(format::stream_size_offset(1)))
        for (int copy = 0; copy < format::copies; ++copy)
            write_word<OffsetWord>(medium, geometry, format::stream_size_offset(copy), geometry.stream_size);
    if (!plan.growth_holds)
        write_word<OffsetWord>(medium, geometry, format::growth_offset, medium.size());
    flush.add(0, format::min_metadata_size);
    for (const FreeSpan &span : plan.free_spans) {
        restore(medium, span.offset, span.offset + 8);
        flush.add(span.offset, 8);
    }
    for (std::size_t i = 0; i < plan.regions.size(); ++i) {
        const RecoveredRegion &region = plan.regions[i];
        // Flushed with its bounds, below: until then nobody builds on it.
        restore(medium, region.reading.offset, region.reading.data_begin());
        const bool closed = region.tail == *region.reading.limit && region.fillers.empty() && region.erased.empty() &&
                            region.last_record == *region.reading.checkpoint;
        if (closed)
            continue;
        if (const Error error = apply_region(medium, region, *regions[i], flush); failed(error))
            return error;
    }
    if (const Error error = flush.wait(); failed(error))
        return error;

    // Before the checkpoints: what is in front of them is not scanned, so its timestamps have to be known as durable.
    if (const Error error = write_durable_timestamp(medium, geometry, plan.persisted); failed(error))
        return error;
    for (Region *region : regions)
        region->write_bounds(flush);
    return flush.wait();
}

namespace {

template <typename Word>
Error write_durably(Medium &medium, const format::Geometry &geometry, std::uint64_t offset, std::uint64_t value,
                    Medium::Site site = Medium::Site::current())
{
    write_word<Word>(medium, geometry, offset, value, site);
    Flush flush(medium);
    flush.add(offset, 8, site);
    return flush.wait(site);
}

// One copy after the other.
template <typename Word>
Error write_copies(Medium &medium, const format::Geometry &geometry, std::uint64_t (*offset)(int copy),
                   std::uint64_t value, Medium::Site site = Medium::Site::current())
{
    for (int copy = 0; copy < format::copies; ++copy)
        if (const Error error = write_durably<Word>(medium, geometry, offset(copy), value, site); failed(error))
            return error;
    return Error::none;
}

} // namespace

Error write_durable_timestamp(Medium &medium, const format::Geometry &geometry, std::uint64_t timestamp)
{
    return write_copies<TimestampWord>(medium, geometry, format::durable_timestamp_offset, timestamp);
}

Error write_stream_size(Medium &medium, const format::Geometry &geometry, std::uint64_t size)
{
    return write_copies<OffsetWord>(medium, geometry, format::stream_size_offset, size);
}

Error write_growth(Medium &medium, const format::Geometry &geometry, std::uint64_t size)
{
    return write_durably<OffsetWord>(medium, geometry, format::growth_offset, size);
}

Error write_durability(Medium &medium, const format::Geometry &geometry, format::Durability durability)
{
    return write_durably<OffsetWord>(medium, geometry, format::durability_offset,
                                     static_cast<std::uint64_t>(durability));
}

void write_span(Medium &medium, const format::Geometry &geometry, std::uint64_t offset, const format::Span &span,
                Flush &flush, Medium::Site site)
{
    medium.store(offset, format::encode_span(span, format::word_seed(geometry.stream_seed, offset)), site);
    flush.add(offset, sizeof(std::uint64_t), site);
}

void write_next_generation(Medium &medium, const format::Geometry &geometry, std::uint64_t generation, Flush &flush)
{
    for (int copy = 0; copy < format::copies; ++copy) {
        write_word<OffsetWord>(medium, geometry, format::next_generation_offset(copy), generation);
        flush.add(format::next_generation_offset(copy), 8);
    }
}

namespace {

// Word by word, since others may be storing some of them.
void add_words(StreamingHash &hash, const Medium &medium, std::uint64_t offset, std::uint64_t size)
{
    for (const std::uint64_t end = offset + size; offset < end; offset += sizeof(std::uint64_t)) {
        const std::uint64_t word = medium.load(offset);
        hash.update(&word, sizeof word);
    }
}

} // namespace

std::uint64_t metadata_fingerprint(const Medium &medium, const format::Geometry &geometry)
{
    StreamingHash hash(geometry.stream_seed);
    for (int copy = 0; copy < format::copies; ++copy)
        for (const std::uint64_t offset :
             {format::durable_timestamp_offset(copy), format::next_generation_offset(copy)})
            add_words(hash, medium, offset, sizeof(std::uint64_t));
    for (const std::uint64_t offset :
         {format::clean_mark_offset, format::stream_size_offset(0), format::stream_size_offset(1)})
        add_words(hash, medium, offset, sizeof(std::uint64_t));
    const Tiling tiling = walk_spans(medium, geometry);
    for (const FreeSpan &span : tiling.free_spans)
        add_words(hash, medium, span.offset, sizeof(std::uint64_t));
    for (const RegionReading &region : tiling.regions)
        add_words(hash, medium, region.offset, format::region_header_size);
    return hash.digest();
}

Error write_clean_mark(Medium &medium, const format::Geometry &geometry, std::uint64_t digest)
{
    return write_durably<OffsetWord>(medium, geometry, format::clean_mark_offset, digest);
}

std::uint64_t metadata_digest(const Medium &medium, const format::Geometry &geometry, const Tiling &tiling,
                              std::uint64_t durable_timestamp, std::uint64_t next_generation)
{
    StreamingHash digest(geometry.stream_seed);
    const auto add = [&](std::uint64_t value) { digest.update(&value, sizeof value); };
    add(durable_timestamp);
    add(next_generation);
    // By offset, whatever order the caller has them in.
    std::map<std::uint64_t, std::uint64_t> spans;
    for (const FreeSpan &span : tiling.free_spans)
        spans.emplace(span.offset, 8);
    for (const RegionReading &region : tiling.regions)
        spans.emplace(region.offset, format::region_header_size);
    for (const auto &[offset, size] : spans) {
        add(offset);
        digest.update(medium.at(offset), size);
    }
    const std::uint64_t value = digest.digest() & OffsetWord::max;
    return value == 0 ? 1 : value;
}

} // namespace pms
