// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// The images that are damaged: a stream with a past, and what it owes.
#pragma once

#include "medium/simulated_image.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace damage {

using Bytes = pms::SimulatedImage::Bytes;

// How the stream was left.
enum class Ending : std::uint8_t {
    closed,
    killed,       // behind synchronous appends, with a reservation open
    killed_async, // behind asynchronous appends, the last ones not waited for
};

struct Entry {
    std::uint64_t timestamp;
    std::uint64_t region;
    std::uint64_t offset;
    std::uint64_t size;
    std::uint64_t end() const { return data() + (size + 7) / 8 * 8; }
    std::uint64_t data() const { return offset + 16; }
};

struct Span {
    std::uint64_t offset;
    std::uint64_t size;
    std::uint64_t end() const { return offset + size; }
};

// What the image held earlier.
struct Older {
    std::string when;
    Bytes bytes;
};

struct LiveImage {
    std::string name;
    pms::Granularity granularity;
    std::uint64_t block_size;
    Ending ending;
    Bytes bytes;
    std::vector<Entry> entries; // all that are there, by timestamp
    std::vector<Span> regions;
    std::vector<Span> free_spans;
    std::uint64_t stream_seed; // of checksums
    std::uint64_t durable;     // the durable timestamp: up to it no damage may end the log
    std::vector<Older> older;

    bool closed() const { return ending == Ending::closed; }
};

LiveImage make_live_image(pms::Granularity granularity, std::uint64_t block_size, Ending ending);

// Each medium, block size and ending.
std::vector<LiveImage> all_live_images();

} // namespace damage
