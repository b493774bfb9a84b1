// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// Spans and region headers: encoding, decoding, validating. No access to the medium.
#pragma once

#include "format/layout.hpp"
#include "format/word.hpp"

#include <cstdint>
#include <optional>

namespace pms::format {

enum class SpanKind : std::uint8_t { free = 1, region = 2 };

struct Span {
    SpanKind kind;
    std::uint64_t size;
};

inline std::uint64_t encode_span(const Span &span, std::uint64_t seed) noexcept
{
    return OffsetWord::encode(span.size / min_block_size << 2 | static_cast<std::uint64_t>(span.kind), seed);
}

inline std::optional<Span> decode_span(std::uint64_t word, std::uint64_t seed) noexcept
{
    const auto value = OffsetWord::decode(word, seed);
    if (!value)
        return std::nullopt;
    const auto kind = static_cast<SpanKind>(*value & 3);
    if (kind != SpanKind::free && kind != SpanKind::region)
        return std::nullopt;
    return Span{kind, (*value >> 2) * min_block_size};
}

// Of what never changes while the region lives.
inline std::uint32_t region_checksum(std::uint64_t stream_seed, std::uint64_t offset, std::uint64_t size,
                                     std::uint64_t generation, std::uint32_t flags) noexcept
{
    const std::uint64_t covered[] = {offset, size, generation, flags};
    return static_cast<std::uint32_t>(hash(covered, sizeof covered, stream_seed));
}

// The seed of the checksums of a region's records.
inline std::uint64_t region_seed(std::uint64_t stream_seed, std::uint64_t generation) noexcept
{
    return hash(&generation, sizeof generation, stream_seed);
}

} // namespace pms::format
