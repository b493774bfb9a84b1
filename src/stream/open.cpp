// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// Opening, creating and closing a stream.

#include "stream/stream.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <sys/random.h>

namespace pms {
namespace {

// How far limits may be moved, over all regions, before the checkpoints follow: what recovery has to scan. That takes
// three fences, and one flushed line for each region that was written meanwhile.
constexpr std::uint64_t uncovered_bytes = 512 * 1024;
constexpr std::uint64_t uncovered_bytes_page = 8 * 1024 * 1024;

bool is_empty(const Medium &medium)
{
    const std::uint64_t size = std::min(medium.size(), format::empty_probe_size);
    const std::byte *begin = medium.at(0);
    return std::all_of(begin, begin + size, [](std::byte byte) { return byte == std::byte{0}; });
}

// Makes up a stream for an empty map.
Error plan_new(std::uint64_t map_size, std::uint64_t block_size, format::SuperblockReading &superblocks)
{
    format::Uuid uuid;
    if (getrandom(uuid.data(), uuid.size(), 0) != static_cast<ssize_t>(uuid.size()))
        return Error::system;
    // The version and variant bits of a random UUID (RFC 4122).
    uuid[6] = static_cast<std::uint8_t>((uuid[6] & 0x0f) | 0x40);
    uuid[8] = static_cast<std::uint8_t>((uuid[8] & 0x3f) | 0x80);
    superblocks.may_write = true;
    superblocks.valid.fill(true);
    return format::plan(map_size, block_size, uuid, superblocks.geometry);
}

FreeSpan all_space(const format::Geometry &geometry)
{
    return {geometry.metadata_size, geometry.spans_end() - geometry.metadata_size};
}

// What plan_recovery() would find in it.
RecoveryPlan plan_of_new(const format::Geometry &geometry)
{
    RecoveryPlan plan;
    plan.free_spans.push_back(all_space(geometry));
    return plan;
}

// Writes it. The intent first and the magic last, each a single word: a crash in between leaves the intent, and the
// next open begins again.
Error format_map(Medium &medium, const format::Geometry &geometry)
{
    Flush flush(medium);
    medium.store(0, format::encode_intent(geometry.block_size));
    flush.add(0, 8);
    if (const Error error = flush.wait(); failed(error))
        return error;

    // Words that are zero have their first value: nothing that was there may stay.
    medium.zero(8, format::min_metadata_size - 8);
    const format::Superblock first = format::encode(geometry, 0);
    medium.copy(8, reinterpret_cast<const std::byte *>(&first) + 8, sizeof first - 8);
    const format::Superblock second = format::encode(geometry, 1);
    medium.copy(format::superblock_offset(1), &second, sizeof second);
    flush.add(0, format::min_metadata_size);
    const FreeSpan span = all_space(geometry);
    medium.store(span.offset, format::encode_span({format::SpanKind::free, span.size},
                                                  format::word_seed(geometry.stream_seed, span.offset)));
    flush.add(span.offset, 8);
    write_next_generation(medium, geometry, 1, flush);
    if (const Error error = flush.wait(); failed(error))
        return error;
    if (const Error error = write_durable_timestamp(medium, geometry, 0); failed(error))
        return error;
    if (const Error error = write_clean_mark(medium, geometry, 0); failed(error))
        return error;

    // Made durable by the recovery that follows, with all other metadata.
    medium.store(0, format::magic);
    return Error::none;
}

RecoveryPlan plan_reading(const Medium &medium, const format::SuperblockReading &superblocks,
                          const std::function<bool()> &has_writer)
{
    // A writer who is in the middle of something, and lost his processor there, has it back in some milliseconds.
    constexpr int attempts = 100;
    RecoveryPlan plan;
    for (int attempt = 0; attempt < attempts; ++attempt) {
        each_consistent_look(medium, superblocks.geometry, [&] {
            plan = plan_recovery(medium, superblocks, has_writer);
            return plan.damages.empty();
        });
        if (!plan.overtaken)
            break;
        sync::sleep_for(std::chrono::milliseconds(1));
    }
    return plan;
}

} // namespace

Error Stream::open(const Medium &medium, std::uint64_t block_size, IfEmpty if_empty, const Options &options,
                   std::unique_ptr<Stream> &stream)
{
    if (block_size != 0 && !format::valid_block_size(block_size))
        return Error::bad_block_size;

    format::SuperblockReading superblocks;
    const bool empty = is_empty(medium);
    Error error = empty ? Error::empty_file : format::read_superblocks(medium.at(0), medium.size(), superblocks);
    const bool is_new = (error == Error::empty_file && if_empty == IfEmpty::format) ||
                        (error == Error::unfinished_creation && !options.read_only);
    if (is_new)
        error = plan_new(medium.size(), block_size == 0 ? superblocks.intended_block_size : block_size, superblocks);
    if (failed(error))
        return error;
    if (block_size != 0 && !checked(block_size == superblocks.geometry.block_size))
        return Error::other_block_size;
    if (!superblocks.may_write && !options.read_only)
        return Error::unknown_feature;

    if (!is_new && !options.read_only && medium.granularity() != Granularity::page)
        have_spans_present(medium, superblocks.geometry);
    const RecoveryPlan plan = is_new              ? plan_of_new(superblocks.geometry)
                              : options.read_only ? plan_reading(medium, superblocks, options.has_writer)
                                                  : plan_recovery(medium, superblocks);
    if (!options.read_only && plan.metadata_damaged)
        return Error::metadata_damaged;
    // Everything is durable by the time this is.
    const format::Durability recorded = superblocks.durability;
    if (!options.read_only)
        superblocks.durability = options.durability.value_or(recorded);
    std::unique_ptr<Stream> made(new Stream(medium, superblocks, options, plan));
    if (!options.read_only) {
        const std::vector<Region *> regions = made->regions_.all();
        // Nothing was written so far, and nothing is allocated from here on.
        if (is_new)
            if (error = format_map(made->medium_, made->geometry()); failed(error))
                return error;
        if (error = apply_recovery(made->medium_, made->geometry(), plan, regions); failed(error))
            return error;
        if (made->durability() != recorded || !superblocks.durability_holds)
            if (error = write_durability(made->medium_, made->geometry(), made->durability()); failed(error))
                return error;
        // Before the first append: what the last writer's word allows is there already.
        made->commit_.share(made->medium_.volatile_word(format::watermark_offset));
        made->open_for_writing_ = true;
    }
    stream = std::move(made);
    return Error::none;
}

Stream::Stream(const Medium &medium, const format::SuperblockReading &superblocks, const Options &options,
               const RecoveryPlan &plan)
    : medium_(medium), superblocks_(superblocks),
      options_(options), opening_{plan.was_clean, plan.recovered_entries, plan.damages.size(), plan.dropped},
      commit_(options.slots, plan.persisted), copies_(medium_, commit_), next_generation_(plan.next_generation),
      most_uncovered_(medium.granularity() == Granularity::page ? uncovered_bytes_page : uncovered_bytes),
      group_commit_(options.max_delay),
      appends_are_cached_(medium.granularity() == Granularity::page || durability() == format::Durability::process),
      durable_timestamp_(plan.persisted)
{
    for (const FreeSpan &span : plan.free_spans)
        free_spans_.add(span);
    for (const RecoveredRegion &recovered : plan.regions) {
        RegionTable::Node node = RegionTable::make_node();
        Region *region = regions_.acquire(medium_, geometry());
        RegionReading reading = recovered.reading;
        if (!options.read_only) {
            // As apply_recovery() leaves them.
            reading.limit = recovered.tail;
            reading.checkpoint = recovered.last_record;
        }
        region->revive(reading, recovered.tail, recovered.last_record, !reading.identity_holds);
        if (options.read_only) {
            region->skips = recovered.fillers;
            region->skips.insert(region->skips.end(), recovered.standing_fillers.begin(),
                                 recovered.standing_fillers.end());
            std::ranges::sort(region->skips, {}, &Gap::begin);
        }
        regions_.insert(std::move(node), region);
    }
}

Stream::~Stream()
{
    if (open_for_writing_) {
        // Whatever else happens: when the caller gets its map back nobody writes to it any more.
        static_cast<void>(wait(Stage::committed, commit_.handed_out()));
        try {
            // A close that fails leaves the stream as a crash would: the next open recovers it.
            if (!failed_.load(std::memory_order_acquire))
                static_cast<void>(close());
        } catch (const std::bad_alloc &) {
            static_cast<void>(fail());
        }
    }
    copies_.close();
}

Error Stream::close()
{
    if (const Error error = wait(Stage::persisted, commit_.handed_out()); failed(error))
        return error;
    if (durability() == format::Durability::process)
        if (const Error error = flush_dirty(committed()); failed(error))
            return error;
    const std::vector<Region *> regions = regions_.all();
    std::vector<Region *> open_steps;
    for (Region *region : regions) {
        const std::lock_guard guard(region->mutex());
        region->cancel_reservations();
        region->settle(committed());
        if (region->has_open_step())
            open_steps.push_back(region);
    }
    // Before the checkpoints: what is in front of them is not scanned, so its timestamps have to be known as durable.
    if (const Error error = write_durable_timestamp(medium_, geometry(), persisted()); failed(error))
        return error;
    Flush flush(medium_);
    for (Region *region : open_steps)
        region->write_bounds(flush);
    if (const Error error = flush.wait(); failed(error))
        return error;
    return write_clean_mark(
        medium_, geometry(),
        metadata_digest(medium_, geometry(), walk_spans(medium_, geometry()), persisted(), next_generation_));
}

Error Stream::writable() const noexcept
{
    if (options_.read_only)
        return Error::read_only;
    return failed_.load(std::memory_order_acquire) ? Error::medium_failed : Error::none;
}

Error Stream::fail() noexcept
{
    // Before the look at who sleeps or is watched.
    failed_.store(true, std::memory_order_seq_cst);
    commit_.notify_all();
    return Error::medium_failed;
}

} // namespace pms
