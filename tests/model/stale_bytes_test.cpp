// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// Bytes of an earlier life at the very places, and with the very timestamps, of new entries: nothing of them shows.

#include "open_stream.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <random>

namespace model {
namespace {

using Entries = std::map<std::uint64_t, OpenStream::Entry>;

constexpr std::size_t region_size = 20000;

// The entry with a timestamp has the same size and lies in the same region in every life, so that its record has the
// same place; only its bytes differ.
struct Pattern {
    std::vector<std::size_t> sizes;
    std::size_t size(std::uint64_t timestamp) const { return sizes[timestamp % sizes.size()]; }
    std::size_t region(std::uint64_t timestamp) const { return mix(timestamp) % 2; }
};

void append(OpenStream &open, const std::uint64_t (&regions)[2], const Pattern &pattern, std::uint64_t timestamp,
            std::uint64_t life, Entries &written)
{
    const std::uint64_t region = regions[pattern.region(timestamp)];
    const std::size_t size = pattern.size(timestamp);
    if (size + 16 + 8 > pmemstream_region_usable_size(open.stream, {region}))
        return;
    const Data data = make_data(life << 32 | timestamp, size);
    pmemstream_entry entry{};
    must(pmemstream_async_append(open.stream, nullptr, {region}, nullptr, data->data(), size, &entry) == 0, "append");
    must(pmemstream_entry_timestamp(open.stream, entry) == timestamp, "timestamps are consecutive");
    written.insert_or_assign(timestamp, OpenStream::Entry{region, entry.offset, *data});
}

rc::Gen<Pattern> patterns()
{
    return rc::gen::map(
        rc::gen::nonEmpty(rc::gen::container<std::vector<std::size_t>>(rc::gen::inRange<std::size_t>(0, 400))),
        [](std::vector<std::size_t> sizes) { return Pattern{std::move(sizes)}; });
}

RC_GTEST_PROP(StaleBytes, lost_entries_never_come_back, ())
{
    const auto granularity =
        *rc::gen::elementOf(std::vector(std::begin(all_granularities), std::end(all_granularities)));
    const Pattern pattern = *rc::gen::noShrink(patterns());
    const auto lives = *rc::gen::inRange<std::uint64_t>(1, 30);
    std::mt19937_64 random(*rc::gen::arbitrary<std::uint64_t>());

    auto open = std::make_unique<OpenStream>(Bytes(60000), granularity, 64);
    std::uint64_t regions[2] = {open->allocate(region_size), open->allocate(region_size)};
    Entries kept;
    for (std::uint64_t life = 1; life <= lives; ++life) {
        std::uint64_t acknowledged = pmemstream_persisted_timestamp(open->stream);
        RC_ASSERT(open->entries() == kept);
        if (random() % 6 == 0) {
            // Both lie where they lay before, and hold as many entries of the same sizes.
            must(pmemstream_region_free(open->stream, {regions[0]}) == 0, "region_free");
            must(pmemstream_region_free(open->stream, {regions[1]}) == 0, "region_free");
            kept.clear();
            const std::uint64_t second = open->allocate(region_size);
            const std::uint64_t first = open->allocate(region_size);
            RC_ASSERT(first == regions[0]);
            RC_ASSERT(second == regions[1]);
        }
        Entries written = kept;
        const std::uint64_t count = random() % 12;
        for (std::uint64_t i = 0; i < count; ++i) {
            const std::uint64_t next = pmemstream_committed_timestamp(open->stream) + 1;
            append(*open, regions, pattern, next, life, written);
            if (random() % 16 == 0) {
                auto future = pmemstream_async_wait_persisted(open->stream, next - 1);
                FUTURE_BUSY_POLL(&future);
                acknowledged = next - 1;
            }
        }

        const Bytes left = random() % 4 == 0 ? open->image->killed() : open->image->power_cut(random);
        open = std::make_unique<OpenStream>(left, granularity, 64);
        const std::uint64_t end = pmemstream_persisted_timestamp(open->stream);
        RC_ASSERT(end >= acknowledged);
        kept.clear();
        for (const auto &[timestamp, entry] : written)
            if (timestamp <= end)
                kept.emplace(timestamp, entry);
        open->verify();
    }
    RC_ASSERT(open->entries() == kept);
}

RC_GTEST_PROP(StaleBytes, another_stream_never_shows, ())
{
    const auto granularity =
        *rc::gen::elementOf(std::vector(std::begin(all_granularities), std::end(all_granularities)));
    const Pattern pattern = *patterns();
    const auto written_before = *rc::gen::inRange(1, 60);
    const auto written_now = *rc::gen::inRange(0, 60);
    std::mt19937_64 random(*rc::gen::arbitrary<std::uint64_t>());

    // Only the first 64 KiB of a map need be zero for it to count as empty: what lies behind is of any age.
    constexpr std::size_t probe = 64 << 10;
    constexpr std::size_t size = 3 * probe;
    Bytes left(size);
    Entries written;
    for (const std::uint64_t life : {1, 2}) {
        OpenStream open(left, granularity, 64);
        open.allocate(probe);
        const std::uint64_t regions[2] = {open.allocate(region_size), open.allocate(region_size)};
        written.clear();
        for (int i = 0; i < (life == 1 ? written_before : written_now); ++i)
            append(open, regions, pattern, pmemstream_committed_timestamp(open.stream) + 1, life, written);
        left = life == 1 ? open.image->killed() : open.image->power_cut(random);
        if (life == 1)
            std::fill_n(left.begin(), probe, std::byte{0});
    }
    OpenStream open(left, granularity, 64);
    std::erase_if(written,
                  [&](const auto &entry) { return entry.first > pmemstream_persisted_timestamp(open.stream); });
    RC_ASSERT(open.entries() == written);
    open.verify();
}

} // namespace
} // namespace model
