// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// Allocating and freeing regions. Every change of the tiling goes live with one store, of a span's word, after what it
// points to is durable.

#include "stream/stream.hpp"

#include "base/arithmetic.hpp"

namespace pms {

Error Stream::allocate(std::uint64_t size, std::uint64_t &offset)
{
    if (size == 0)
        return Error::size_zero;
    if (const Error error = writable(); failed(error))
        return error;
    const auto with_header = checked_add(size, format::region_header_size);
    const auto span_size = with_header ? checked_align_up(*with_header, geometry().block_size) : std::nullopt;
    if (!span_size)
        return Error::stream_too_full;

    const WakesFutures wakes(commit_);
    const std::lock_guard guard(tiling_mutex_);
    if (next_generation_ == format::OffsetWord::max)
        return Error::generations_exhausted;
    if (!free_spans_.choose(*span_size))
        if (const Error error = join_for(*span_size); failed(error))
            return error;
    const FreeSpan span = *free_spans_.choose(*span_size);

    // Memory first.
    RegionTable::Node node = RegionTable::make_node();
    const FreeSpan rest{span.offset + *span_size, span.size - *span_size};
    if (rest.size != 0)
        free_spans_.add(rest);
    Region *region = nullptr;
    try {
        region = regions_.acquire(medium_, geometry());
    } catch (...) {
        if (rest.size != 0)
            free_spans_.remove(rest);
        throw;
    }
    free_spans_.remove(span);

    Flush flush(medium_);
    const std::uint64_t generation = next_generation_;
    write_next_generation(medium_, geometry(), generation + 1, flush);
    if (failed(flush.wait()))
        return fail();
    next_generation_ = generation + 1;

    // The span's word still says "free": what follows it means nothing yet.
    format::RegionHeader header;
    Region::encode_header(geometry(), span.offset, *span_size, generation, header);
    medium_.copy(span.offset + sizeof header.span, reinterpret_cast<const std::byte *>(&header) + sizeof header.span,
                 sizeof header - sizeof header.span);
    flush.add(span.offset, sizeof header);
    if (rest.size != 0)
        write_span(medium_, geometry(), rest.offset, {format::SpanKind::free, rest.size}, flush);
    if (failed(flush.wait()))
        return fail();

    write_span(medium_, geometry(), span.offset, {format::SpanKind::region, *span_size}, flush);
    if (failed(flush.wait()))
        return fail();

    {
        const std::lock_guard region_guard(region->mutex());
        region->revive(read_region(medium_, geometry(), span.offset, *span_size), span.offset + sizeof header, 0,
                       false);
    }
    regions_.insert(std::move(node), region);
    offset = span.offset;
    return Error::none;
}

Error Stream::join_for(std::uint64_t size)
{
    const std::vector<FreeSpan> run = free_spans_.joinable(size);
    if (run.empty())
        return Error::stream_too_full;
    free_spans_.prepare_join(run);
    Flush flush(medium_);
    const std::uint64_t begin = run.front().offset;
    write_span(medium_, geometry(), begin, {format::SpanKind::free, run.back().offset + run.back().size - begin},
               flush);
    if (failed(flush.wait()))
        return fail();
    free_spans_.join(run);
    return Error::none;
}

Error Stream::free(std::uint64_t offset)
{
    if (const Error error = writable(); failed(error))
        return error;
    const WakesFutures wakes(commit_);
    const Found found = find_region(offset, nullptr);
    if (failed(found.error))
        return found.error;
    Region *const region = found.region;
    {
        const std::lock_guard guard(region->mutex());
        if (const Error error = region->writable(offset); failed(error))
            return error;
        region->close();
    }
    // Nobody begins to write to it any more; the entries of those who had are persisted first.
    if (const Error error = wait(Stage::persisted, wait_for_writers(*region)); failed(error))
        return error;

    const std::lock_guard guard(tiling_mutex_);
    const FreeSpan span{offset, region->size()};
    try {
        free_spans_.add(span);
    } catch (...) {
        const std::lock_guard region_guard(region->mutex());
        region->reopen();
        throw;
    }
    // The timestamps of what goes away must stay known as durable.
    if (const Error error = raise_durable_timestamp(persisted()); failed(error))
        return error;
    Flush flush(medium_);
    write_span(medium_, geometry(), offset, {format::SpanKind::free, span.size}, flush);
    if (failed(flush.wait()))
        return fail();
    regions_.erase(region);
    dirty_regions_.remove(*region);
    uncovered_regions_.remove(*region);
    {
        const std::lock_guard region_guard(region->mutex());
        region->retire();
    }
    regions_.release(region);
    return Error::none;
}

std::uint64_t Stream::wait_for_writers(Region &region) noexcept
{
    for (;;) {
        std::uint64_t last = 0;
        const auto ended = [&] {
            const std::lock_guard guard(region.mutex());
            last = region.max_timestamp();
            return !region.is_written() || failed_.load(std::memory_order_acquire);
        };
        if (ended())
            return last;
        commit_.sleep_until(Commit::no_timestamp, ended);
    }
}

std::uint64_t Stream::free_size() const
{
    const std::lock_guard guard(tiling_mutex_);
    return free_spans_.total();
}

std::uint64_t Stream::largest_allocation() const
{
    const std::lock_guard guard(tiling_mutex_);
    const std::uint64_t largest = free_spans_.largest();
    return largest > format::region_header_size ? largest - format::region_header_size : 0;
}

Stream::Found Stream::look_region_up(std::uint64_t offset, Region *given) const
{
    if (given != nullptr) {
        const bool elsewhere = given->generation() != 0 && given->offset() != offset;
        return {given->belongs_to(geometry()) && !elsewhere ? Error::none : Error::foreign_runtime, given};
    }
    Region *const region = regions_.find(offset);
    return {region == nullptr ? Error::no_region : Error::none, region};
}

Error Stream::raise_durable_timestamp(std::uint64_t timestamp) noexcept
{
    if (durable_timestamp_.load(std::memory_order_acquire) >= timestamp)
        return Error::none;
    const std::lock_guard guard(durable_mutex_);
    if (durable_timestamp_.load(std::memory_order_relaxed) >= timestamp)
        return Error::none;
    // Reported, but in the caches only.
    if (durability() == format::Durability::process)
        if (const Error error = flush_dirty(committed()); failed(error))
            return error;
    // First, since a record in front of a checkpoint is not looked for: nobody must miss its timestamp.
    if (failed(write_durable_timestamp(medium_, geometry(), timestamp)))
        return fail();
    durable_timestamp_.store(timestamp, std::memory_order_release);
    return move_checkpoints(timestamp);
}

Error Stream::move_checkpoints(std::uint64_t durable) noexcept
{
    Flush flush(medium_);
    uncovered_regions_.each([&](Region &region) {
        const std::lock_guard guard(region.mutex());
        // Freed meanwhile: its space is somebody else's now.
        if (region.state() == Region::State::dead)
            return;
        region.settle(committed());
        region.move_checkpoint(durable, flush);
    });
    if (failed(flush.wait())) // of the checkpoints
        return fail();
    uncovered_regions_.each([&](Region &region) {
        const std::lock_guard guard(region.mutex());
        region.checkpoint_is_durable();
        if (!region.covered())
            return;
        region.uncovered = false;
        uncovered_regions_.remove(region);
    });
    return Error::none;
}

} // namespace pms
