// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

#include "region/span_walk.hpp"

#include "integrity/checked.hpp"

#include <cstring>

namespace pms {
namespace {

using format::RegionHeader;

std::optional<format::Span> read_span(const Medium &medium, const format::Geometry &geometry, std::uint64_t offset)
{
    const auto span = format::decode_span(medium.load(offset), format::word_seed(geometry.stream_seed, offset));
    if (!span || span->size == 0 || span->size % geometry.block_size != 0 || span->size > geometry.spans_end() - offset)
        return std::nullopt;
    return span;
}

// An offset in the region, as one from the start of the map. Not aligned or not in the region: not believed.
std::optional<std::uint64_t> read_offset(const Medium &medium, const format::Geometry &geometry,
                                         const RegionReading &region, std::size_t field, bool may_be_none)
{
    const std::uint64_t place = region.offset + field;
    const auto value = format::OffsetWord::decode(medium.load(place), format::word_seed(geometry.stream_seed, place));
    if (!value)
        return std::nullopt;
    if (*value == 0 && may_be_none)
        return 0;
    if (*value < format::region_header_size || *value > region.size || *value % format::record_alignment != 0)
        return std::nullopt;
    return region.offset + *value;
}

} // namespace

RegionReading read_region(const Medium &medium, const format::Geometry &geometry, std::uint64_t offset,
                          std::uint64_t size)
{
    RegionHeader header;
    std::memcpy(&header, medium.at(offset), sizeof header);

    RegionReading region;
    region.offset = offset;
    region.size = size;
    region.generation = header.generation;
    region.seed = format::region_seed(geometry.stream_seed, header.generation);
    region.identity_holds = header.flags == 0 && header.data_start == 0 && header.generation != 0 &&
                            checked(header.checksum == format::region_checksum(geometry.stream_seed, offset, size,
                                                                               header.generation, header.flags));
    // Beside a writer the limit moves before the checkpoint does: read the other way round.
    region.checkpoint = read_offset(medium, geometry, region, offsetof(RegionHeader, checkpoint), true);
    region.limit = read_offset(medium, geometry, region, offsetof(RegionHeader, limit), false);
    region.hole_begin = read_offset(medium, geometry, region, offsetof(RegionHeader, hole_begin), true);
    region.hole_end = read_offset(medium, geometry, region, offsetof(RegionHeader, hole_end), true);
    if (region.limit && region.checkpoint && *region.checkpoint >= *region.limit)
        region.checkpoint = std::nullopt;
    return region;
}

void have_spans_present(const Medium &medium, const format::Geometry &geometry) noexcept
{
    for (std::uint64_t offset = geometry.metadata_size; offset < geometry.spans_end();) {
        medium.have_word_present(offset);
        const auto span = read_span(medium, geometry, offset);
        if (!span)
            return;
        offset += span->size;
    }
}

Tiling walk_spans(const Medium &medium, const format::Geometry &geometry)
{
    Tiling tiling;
    const std::uint64_t end = geometry.spans_end();
    std::uint64_t offset = geometry.metadata_size;
    while (offset < end) {
        if (const auto span = read_span(medium, geometry, offset)) {
            if (span->kind == format::SpanKind::free)
                tiling.free_spans.push_back({offset, span->size});
            else
                tiling.regions.push_back(read_region(medium, geometry, offset, span->size));
            offset += span->size;
            continue;
        }
        // Free spans are not looked for: stale words of spans that were joined lie in free space and in regions.
        const std::uint64_t begin = offset;
        for (offset += geometry.block_size; offset < end; offset += geometry.block_size) {
            const auto span = read_span(medium, geometry, offset);
            if (span && span->kind == format::SpanKind::region &&
                read_region(medium, geometry, offset, span->size).identity_holds)
                break;
        }
        tiling.damaged.push_back({begin, offset - begin});
    }
    return tiling;
}

} // namespace pms
