// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

#include "damage/edit.hpp"

#include <algorithm>
#include <array>
#include <cinttypes>
#include <cstdio>
#include <cstring>
#include <random>

namespace damage {
namespace {

constexpr std::array<const char *, kinds> kind_names = {"flipped", "cut",      "extended", "swapped", "older",
                                                        "torn",    "torn_end", "zeroed",   "ones",    "noise"};
constexpr std::uint32_t word = 8;
constexpr std::uint32_t line = 64;
constexpr std::uint32_t sector = 512;
constexpr std::uint32_t page = 4096;

bool same(const Bytes &a, std::uint64_t a_offset, const Bytes &b, std::uint64_t b_offset, std::uint64_t size)
{
    return std::memcmp(a.data() + a_offset, b.data() + b_offset, size) == 0;
}

// Swaps of 64-byte blocks that are no neighbours, beside all pairs of larger blocks.
constexpr std::uint64_t far_swaps = 20'000;
constexpr std::uint32_t noise_seeds = 2;

// Every bit; of the images with large blocks, whose content is the same, on one medium.
std::uint32_t flips_step(const LiveImage &image)
{
    return image.block_size == 64 || image.granularity == pms::Granularity::cache_line ? 1 : 7;
}

void add_swaps(const LiveImage &image, std::vector<Edit> &edits)
{
    const auto size = static_cast<std::uint32_t>(image.bytes.size());
    const auto add = [&](std::uint32_t block, std::uint32_t a, std::uint32_t b) {
        if (!same(image.bytes, a, image.bytes, b, block))
            edits.push_back({Kind::swapped, block, a, b});
    };
    for (const std::uint32_t block : {sector, page})
        for (std::uint32_t a = 0; a + block <= size; a += block)
            for (std::uint32_t b = a + block; b + block <= size; b += block)
                add(block, a, b);
    for (std::uint32_t a = 0; a + 2 * line <= size; a += line)
        add(line, a, a + line);
    std::mt19937_64 random(size);
    for (std::uint64_t n = 0; n < far_swaps; ++n) {
        const auto a = static_cast<std::uint32_t>(random() % (size / line)) * line;
        const auto b = static_cast<std::uint32_t>(random() % (size / line)) * line;
        if (a + line < b)
            add(line, a, b);
    }
}

void add_older(const LiveImage &image, std::vector<Edit> &edits)
{
    const auto size = static_cast<std::uint32_t>(image.bytes.size());
    for (std::uint32_t from = 0; from < image.older.size(); ++from) {
        const Bytes &older = image.older[from].bytes;
        for (const std::uint32_t block : {word, line, sector, page})
            for (std::uint32_t at = 0; at + block <= size; at += block)
                if (!same(image.bytes, at, older, at, block))
                    edits.push_back({Kind::older, block, at, from});
        for (const std::uint32_t block : {line, sector})
            for (std::uint32_t at = 0; at + block <= size; at += block)
                for (std::uint32_t words = 1; words < block / word; ++words) {
                    const std::uint64_t cut = at + words * word;
                    const bool begin_differs = !same(image.bytes, at, older, at, words * word);
                    const bool end_differs = !same(image.bytes, cut, older, cut, at + block - cut);
                    // Else it is the block as a whole, or nothing, or what the cut before it gave.
                    if (!begin_differs || !end_differs || same(image.bytes, cut - word, older, cut - word, word))
                        continue;
                    edits.push_back({Kind::torn, block, at, words * 16 + from});
                    edits.push_back({Kind::torn_end, block, at, words * 16 + from});
                }
    }
}

} // namespace

const char *name_of(Kind kind)
{
    return kind_names[static_cast<std::size_t>(kind)];
}

std::string to_string(const Edit &edit)
{
    return std::string(name_of(edit.kind)) + ':' + std::to_string(edit.block) + ':' + std::to_string(edit.at) + ':' +
           std::to_string(edit.from);
}

std::optional<Edit> parse_edit(const std::string &text)
{
    const auto colon = text.find(':');
    const auto name = std::ranges::find(kind_names, text.substr(0, colon));
    Edit edit{};
    if (colon == std::string::npos || name == kind_names.end() ||
        std::sscanf(text.c_str() + colon, ":%" SCNu32 ":%" SCNu32 ":%" SCNu32, &edit.block, &edit.at, &edit.from) != 3)
        return std::nullopt;
    edit.kind = static_cast<Kind>(name - kind_names.begin());
    return edit;
}

Bytes apply(const LiveImage &image, const Edit &edit)
{
    Bytes bytes = image.bytes;
    std::byte *const place = bytes.data() + edit.at;
    const auto put_older = [&](std::uint32_t from, std::uint32_t begin, std::uint32_t end) {
        std::memcpy(place + begin, image.older[from].bytes.data() + edit.at + begin, end - begin);
    };
    switch (edit.kind) {
    case Kind::flipped:
        bytes[edit.at / 8] ^= std::byte{1} << edit.at % 8;
        break;
    case Kind::cut:
        bytes.resize(edit.at);
        break;
    case Kind::extended:
        bytes.resize(edit.at, edit.from == 0 ? std::byte{0} : std::byte{0xff});
        break;
    case Kind::swapped:
        std::swap_ranges(place, place + edit.block, bytes.data() + edit.from);
        break;
    case Kind::older:
        put_older(edit.from, 0, edit.block);
        break;
    case Kind::torn:
        put_older(edit.from % 16, 0, edit.from / 16 * word);
        break;
    case Kind::torn_end:
        put_older(edit.from % 16, edit.from / 16 * word, edit.block);
        break;
    case Kind::zeroed:
        std::memset(place, 0, edit.block);
        break;
    case Kind::ones:
        std::memset(place, 0xff, edit.block);
        break;
    case Kind::noise:
        std::mt19937_64 random(std::uint64_t{edit.at} << 32 | edit.from);
        for (std::uint32_t done = 0; done < edit.block; done += word) {
            const std::uint64_t value = random();
            std::memcpy(place + done, &value, word);
        }
        break;
    }
    return bytes;
}

std::vector<Edit> edits_of(const LiveImage &image, std::uint32_t step)
{
    const auto size = static_cast<std::uint32_t>(image.bytes.size());
    std::vector<Edit> edits;
    for (std::uint32_t bit = 0; bit < size * 8; bit += flips_step(image))
        edits.push_back({Kind::flipped, 0, bit, 0});
    for (std::uint32_t length = 1; length < size; ++length)
        edits.push_back({Kind::cut, 0, length, 0});
    for (const std::uint32_t more : {1U, 7U, 8U, 63U, 64U, 65U, 511U, 512U, 4095U, 4096U, 4097U, 65536U})
        for (const std::uint32_t filling : {0U, 1U})
            edits.push_back({Kind::extended, 0, size + more, filling});
    add_swaps(image, edits);
    add_older(image, edits);
    for (const std::uint32_t block : {word, line, sector, page})
        for (std::uint32_t at = 0; at + block <= size; at += block) {
            const auto *const begin = image.bytes.data() + at;
            if (std::any_of(begin, begin + block, [](std::byte byte) { return byte != std::byte{0}; }))
                edits.push_back({Kind::zeroed, block, at, 0});
            edits.push_back({Kind::ones, block, at, 0});
            for (std::uint32_t seed = 0; seed < noise_seeds; ++seed)
                edits.push_back({Kind::noise, block, at, seed});
        }
    std::vector<Edit> chosen;
    for (std::size_t i = 0; i < edits.size(); i += step)
        chosen.push_back(edits[i]);
    return chosen;
}

} // namespace damage
