// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

#include "damage/live_image.hpp"

#include "format/superblock.hpp"
#include "format/word.hpp"
#include "libpmemstream.h"
#include "medium/medium.hpp"
#include "region/span_walk.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <memory>

namespace damage {
namespace {

using pms::Granularity;
using pms::SimulatedImage;

constexpr std::uint64_t entry_sizes[] = {0, 1, 7, 8, 63, 64, 65, 100, 1000};

// The images are made of calls that succeed.
void must(bool succeeded, const char *what)
{
    if (succeeded)
        return;
    std::fprintf(stderr, "damage_sweep: making an image: %s: %s\n", what, pmemstream_errormsg());
    std::exit(2);
}

// Writes a stream and keeps account of what is in it.
class Author {
public:
    Author(std::size_t size, Granularity granularity, std::uint64_t block_size)
        : granularity_(granularity), block_size_(block_size),
          image_(std::make_unique<SimulatedImage>(size, granularity))
    {
        open();
    }
    ~Author() { kill(); }
    Author(const Author &) = delete;
    Author &operator=(const Author &) = delete;

    pmemstream_region allocate(std::uint64_t size)
    {
        pmemstream_region region{};
        must(pmemstream_region_allocate(stream_, size, &region) == 0, "allocate");
        regions.push_back({region.offset, pmemstream_region_size(stream_, region) + 64});
        return region;
    }

    void free(pmemstream_region region)
    {
        must(pmemstream_region_free(stream_, region) == 0, "free");
        std::erase_if(regions, [&](const Span &span) { return span.offset == region.offset; });
        std::erase_if(entries, [&](const Entry &entry) { return entry.region == region.offset; });
    }

    void append(pmemstream_region region, std::uint64_t size)
    {
        pmemstream_entry entry{};
        must(pmemstream_append(stream_, region, nullptr, new_data(size), size, &entry) == 0, "append");
        note(region, entry);
    }

    void append_async(pmemstream_region region, std::uint64_t size)
    {
        pmemstream_entry entry{};
        must(pmemstream_async_append(stream_, nullptr, region, nullptr, new_data(size), size, &entry) == 0,
             "async_append");
        note(region, entry);
    }

    void wait()
    {
        auto future = pmemstream_async_wait_persisted(stream_, pmemstream_committed_timestamp(stream_));
        while (future_poll(FUTURE_AS_RUNNABLE(&future), nullptr) != FUTURE_STATE_COMPLETE) {
        }
        must(future.output.error_code == 0, "wait");
    }

    pmemstream_entry reserve(pmemstream_region region, std::uint64_t size)
    {
        pmemstream_entry entry{};
        void *place = nullptr;
        must(pmemstream_reserve(stream_, region, nullptr, size, &entry, &place) == 0, "reserve");
        std::memcpy(place, new_data(size), size);
        return entry;
    }

    void publish(pmemstream_region region, pmemstream_entry entry, std::uint64_t size)
    {
        must(pmemstream_publish(stream_, region, nullptr, entry, size) == 0, "publish");
        note(region, entry);
    }

    std::uint64_t usable_size(pmemstream_region region) { return pmemstream_region_usable_size(stream_, region); }

    void open() { must(pmemstream_from_map(&stream_, block_size_, image_->map()) == 0, "from_map"); }
    void close() { pmemstream_delete(&stream_); }
    void kill()
    {
        image_->kill();
        close();
    }
    // A power cut loses this entry, which was not acknowledged yet; the next open drops what came after it.
    void lose(const Entry &entry)
    {
        kill();
        Bytes bytes = image_->killed();
        std::fill(bytes.begin() + static_cast<std::ptrdiff_t>(entry.offset),
                  bytes.begin() + static_cast<std::ptrdiff_t>(entry.end()), std::byte{0});
        image_ = std::make_unique<SimulatedImage>(bytes, granularity_);
        open();
        const std::uint64_t last = pmemstream_persisted_timestamp(stream_);
        must(last + 1 == entry.timestamp, "recover");
        std::erase_if(entries, [&](const Entry &other) { return other.timestamp > last; });
    }

    Bytes bytes() const { return image_->killed(); }
    void remember(const char *when) { older.push_back({when, bytes()}); }

    std::vector<Entry> entries;
    std::vector<Span> regions;
    std::vector<Older> older;

private:
    // No two entries have the same bytes, as far as they have any.
    const void *new_data(std::uint64_t size)
    {
        std::string &data = buffers_.emplace_back(size, '\0');
        for (char &byte : data)
            byte = static_cast<char>(random_() >> 56);
        return data.data();
    }

    void note(pmemstream_region region, pmemstream_entry entry)
    {
        entries.push_back({pmemstream_entry_timestamp(stream_, entry), region.offset, entry.offset,
                           pmemstream_entry_size(stream_, entry)});
    }

    const Granularity granularity_;
    const std::uint64_t block_size_;
    std::unique_ptr<SimulatedImage> image_;
    pmemstream *stream_ = nullptr;
    std::deque<std::string> buffers_;
    std::mt19937_64 random_{1};
};

// Leaves free space that is full of the entries of regions that were freed, and takes some of it again.
pmemstream_region reuse_space(Author &author)
{
    const auto first = author.allocate(2400);
    const auto second = author.allocate(500);
    for (const std::uint64_t size : entry_sizes)
        author.append(first, size);
    while (author.usable_size(first) >= 16)
        author.append(first, std::min<std::uint64_t>(author.usable_size(first) - 16, 40));
    for (int i = 0; i < 8; ++i)
        author.append(second, 40);
    author.remember("before regions were freed");
    author.free(second);
    author.free(first);
    author.remember("before a region was reused");
    const auto again = author.allocate(2400);
    for (const std::uint64_t size : entry_sizes)
        author.append(again, size);
    return again;
}

// One that has not a byte left.
void fill_exactly(Author &author)
{
    const auto region = author.allocate(300);
    author.append(region, 100);
    author.append(region, 8);
    author.append(region, author.usable_size(region) - 16);
}

// Reservations published later and shorter than they were made: what is left becomes a filler, a gap of 8 bytes. Not
// the last thing in their region: their own headers were fillers, protected by the hole words, before.
void publish_shorter(Author &author, pmemstream_region region)
{
    const auto filler = author.reserve(region, 40);
    const auto gap = author.reserve(region, 24);
    author.append(region, 20);
    author.remember("before reservations were published");
    author.publish(region, filler, 10);
    author.publish(region, gap, 16);
    // Cancelled by the close.
    static_cast<void>(author.reserve(region, 30));
    author.append(region, 8);
}

// What the image itself tells.
void read_metadata(LiveImage &image)
{
    SimulatedImage simulated(image.bytes, image.granularity);
    const pms::Medium medium(simulated);
    pms::format::SuperblockReading superblocks;
    must(!failed(read_superblocks(image.bytes.data(), image.bytes.size(), superblocks)), "read the superblocks");
    image.stream_seed = superblocks.geometry.stream_seed;
    for (int copy = 0; copy < pms::format::copies; ++copy) {
        const std::uint64_t offset = pms::format::durable_timestamp_offset(copy);
        const auto durable =
            pms::format::TimestampWord::decode(medium.load(offset), pms::format::word_seed(image.stream_seed, offset));
        image.durable = std::max(image.durable, durable.value_or(0));
    }
    for (const pms::FreeSpan &span : walk_spans(medium, superblocks.geometry).free_spans)
        image.free_spans.push_back({span.offset, span.size});
}

const char *name_of(Granularity granularity)
{
    switch (granularity) {
    case Granularity::byte:
        return "byte";
    case Granularity::cache_line:
        return "cache_line";
    case Granularity::page:
        break;
    }
    return "page";
}

const char *name_of(Ending ending)
{
    switch (ending) {
    case Ending::closed:
        return "closed";
    case Ending::killed:
        return "killed";
    case Ending::killed_async:
        break;
    }
    return "killed_async";
}

} // namespace

LiveImage make_live_image(Granularity granularity, std::uint64_t block_size, Ending ending)
{
    const std::size_t size = block_size == 64 ? 32 * 1024 : 56 * 1024;
    Author author(size, granularity, block_size);

    const auto sizes = reuse_space(author);
    const auto large = author.allocate(4096 + 10000 + 600);
    author.append(large, 4096);
    author.append(large, 10000);
    fill_exactly(author);
    const auto shorter = author.allocate(1000);
    publish_shorter(author, shorter);
    const auto freed = author.allocate(500);
    for (int i = 0; i < 5; ++i)
        author.append(freed, 33);
    author.remember("before an earlier close");
    author.close();
    author.remember("after an earlier close");
    author.open();

    // A crash, whose recovery drops what it finds behind a lost entry, and uses its space and timestamps again. One
    // that it drops lies in front of an accepted one, and becomes a filler.
    const auto dropped = author.reserve(shorter, 16);
    author.append(shorter, 8);
    author.append(sizes, 24);
    const Entry lost = author.entries.back();
    author.publish(shorter, dropped, 16);
    author.append(sizes, 32);
    author.append(large, 32);
    author.remember("before a crash");
    author.lose(lost);
    author.append(large, 48);
    author.append(sizes, 16);

    // Held open over a move of the checkpoints, which it then stops.
    if (ending != Ending::closed)
        static_cast<void>(author.reserve(shorter, 40));
    author.append(shorter, 30);
    author.append(shorter, 31);
    author.remember("before a region was freed and reused");
    author.free(freed);
    const auto reused = author.allocate(500);
    for (int i = 0; i < 4; ++i)
        author.append(i % 2 == 0 ? reused : sizes, 50);

    switch (ending) {
    case Ending::closed:
        author.append(large, 64);
        author.remember("before the last append");
        author.append(sizes, 64);
        author.remember("before the close");
        author.close();
        break;
    case Ending::killed:
        author.append(shorter, 9);
        author.remember("before the last append");
        author.append(large, 64);
        author.kill();
        break;
    case Ending::killed_async:
        for (const auto region : {sizes, large, reused, sizes})
            author.append_async(region, 20);
        author.wait();
        author.remember("before the last asynchronous appends");
        for (const auto region : {reused, large, sizes, large})
            author.append_async(region, 25);
        author.kill();
        break;
    }
    LiveImage image{
        .name = std::string(name_of(granularity)) + '/' + std::to_string(block_size) + '/' + name_of(ending),
        .granularity = granularity,
        .block_size = block_size,
        .ending = ending,
        .bytes = author.bytes(),
        .entries = std::move(author.entries),
        .regions = std::move(author.regions),
        .free_spans = {},
        .stream_seed = 0,
        .durable = 0,
        .older = std::move(author.older),
    };
    read_metadata(image);
    std::ranges::sort(image.entries, {}, &Entry::timestamp);
    return image;
}

std::vector<LiveImage> all_live_images()
{
    std::vector<LiveImage> images;
    for (const std::uint64_t block_size : {64U, 4096U})
        for (const Granularity granularity : {Granularity::cache_line, Granularity::byte, Granularity::page})
            for (const Ending ending : {Ending::closed, Ending::killed, Ending::killed_async})
                images.push_back(make_live_image(granularity, block_size, ending));
    return images;
}

} // namespace damage
