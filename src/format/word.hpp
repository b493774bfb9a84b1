// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// Checked words: what changes in place is one aligned 8-byte store, so it carries its check inside. A linear code (CRC)
// rather than a hash: it finds every error of one, two or three bits for certain. The check is mixed with a seed made
// of the word's place and the stream's UUID, so that a word copied from elsewhere, or left by another stream, does not
// pass.
#pragma once

#include "base/checksum.hpp"
#include "integrity/checked.hpp"

#include <array>
#include <cstdint>
#include <optional>

namespace pms::format {

// ValueBits of value in the low bits, the CRC above them. Polynomials of Hamming distance 4 at 64 bits:
// CRC-16/CCITT 0x1021 and CRC-10/ATM 0x233 (Koopman, https://users.ece.cmu.edu/~koopman/crc/).
template <unsigned ValueBits>
class CheckedWord {
    static constexpr unsigned check_bits = 64 - ValueBits;
    static_assert(check_bits == 16 || check_bits == 10);
    static constexpr std::uint32_t polynomial = check_bits == 16 ? 0x1021 : 0x233;
    static constexpr std::uint32_t check_mask = (1U << check_bits) - 1;

    static constexpr std::array<std::uint16_t, 256> table = [] {
        std::array<std::uint16_t, 256> entries{};
        for (std::uint32_t byte = 0; byte < 256; ++byte) {
            std::uint32_t crc = byte << (check_bits - 8);
            for (int bit = 0; bit < 8; ++bit)
                crc = (crc & (1U << (check_bits - 1))) ? (crc << 1) ^ polynomial : crc << 1;
            entries[byte] = static_cast<std::uint16_t>(crc & check_mask);
        }
        return entries;
    }();

    static constexpr std::uint32_t crc(std::uint64_t value)
    {
        std::uint32_t crc = 0;
        for (int shift = 48; shift >= 0; shift -= 8) {
            const auto byte = static_cast<std::uint8_t>(value >> shift);
            crc = ((crc << 8) ^ table[static_cast<std::uint8_t>(crc >> (check_bits - 8)) ^ byte]) & check_mask;
        }
        return crc;
    }

    // Never 0, so that no word of zeros is valid.
    static constexpr std::uint32_t mask(std::uint64_t seed)
    {
        return (static_cast<std::uint32_t>(seed) | 1U) & check_mask;
    }

public:
    static constexpr std::uint64_t max = (1ULL << ValueBits) - 1;

    static constexpr std::uint64_t encode(std::uint64_t value, std::uint64_t seed)
    {
        return value | static_cast<std::uint64_t>(crc(value) ^ mask(seed)) << ValueBits;
    }

    static constexpr std::optional<std::uint64_t> decode(std::uint64_t word, std::uint64_t seed)
    {
        const std::uint64_t value = word & max;
        if (!checked(encode(value, seed) == word))
            return std::nullopt;
        return value;
    }
};

using OffsetWord = CheckedWord<48>;    // sizes, offsets, generations: up to 256 TiB
using TimestampWord = CheckedWord<54>; // timestamps

// The seed of the word at `offset` in the stream whose UUID hashes to `stream_seed`.
inline std::uint64_t word_seed(std::uint64_t stream_seed, std::uint64_t offset) noexcept
{
    return hash(&offset, sizeof offset, stream_seed);
}

} // namespace pms::format
