// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// An entry that fills its region to the last byte touches nothing outside it, however it is written.

#include "open_stream.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <cstring>

namespace model {
namespace {

enum class Way { append, async_append, mover, publish, publish_larger, async_publish, count };

void write(pmemstream *stream, std::uint64_t region, const Bytes &data, Way way)
{
    const auto reserve = [&](std::size_t size) {
        pmemstream_entry entry{};
        void *place = nullptr;
        must(pmemstream_reserve(stream, {region}, nullptr, size, &entry, &place) == 0, "reserve");
        std::ranges::copy(data, static_cast<std::byte *>(place));
        return entry;
    };
    data_mover_sync *mover = nullptr;
    int result = -1;
    switch (way) {
    case Way::append:
        result = pmemstream_append(stream, {region}, nullptr, data.data(), data.size(), nullptr);
        break;
    case Way::mover:
        mover = data_mover_sync_new();
        [[fallthrough]];
    case Way::async_append:
        result = pmemstream_async_append(stream, mover == nullptr ? nullptr : data_mover_sync_get_vdm(mover), {region},
                                         nullptr, data.data(), data.size(), nullptr);
        break;
    case Way::publish:
        result = pmemstream_publish(stream, {region}, nullptr, reserve(data.size()), data.size());
        break;
    case Way::publish_larger:
        result = pmemstream_publish(stream, {region}, nullptr, reserve(data.size() / 2), data.size());
        break;
    case Way::async_publish:
    case Way::count:
        result = pmemstream_async_publish(stream, {region}, nullptr, reserve(data.size()), data.size());
        break;
    }
    must(result == 0, "writing what fits exactly");
    auto future = pmemstream_async_wait_persisted(stream, pmemstream_committed_timestamp(stream));
    FUTURE_BUSY_POLL(&future);
    data_mover_sync_delete(mover);
}

RC_GTEST_PROP(ExactFill, touches_nothing_outside, ())
{
    const auto granularity =
        *rc::gen::elementOf(std::vector(std::begin(all_granularities), std::end(all_granularities)));
    const auto block_size = *rc::gen::element<std::size_t>(64, 256, 4096);
    const auto region_size = *rc::gen::inRange<std::size_t>(1, 70000);
    const auto sizes = *rc::gen::container<std::vector<std::size_t>>(rc::gen::inRange<std::size_t>(0, 5000));
    const auto way = static_cast<Way>(*rc::gen::inRange(0, static_cast<int>(Way::count)));

    OpenStream open(Bytes(300000), granularity, block_size);
    const std::uint64_t before = open.allocate(100);
    const std::uint64_t region = open.allocate(region_size);
    const std::uint64_t behind = open.allocate(100);
    for (const std::uint64_t neighbour : {before, behind})
        must(pmemstream_append(open.stream, {neighbour}, nullptr, "neighbour", 9, nullptr) == 0, "append");
    const std::uint64_t end = region + 64 + pmemstream_region_size(open.stream, {region});
    RC_ASSERT(end == behind);

    open.image->reset_footprint();
    const Bytes old = open.image->killed();
    std::uint64_t seed = 0;
    for (const std::size_t size : sizes)
        if (size + 48 <= pmemstream_region_usable_size(open.stream, {region}))
            write(open.stream, region, *make_data(++seed, size), way);
    const std::size_t left = pmemstream_region_usable_size(open.stream, {region});
    if (left >= 16)
        write(open.stream, region, *make_data(++seed, left - 16), way);
    RC_ASSERT(pmemstream_region_usable_size(open.stream, {region}) == (left >= 16 ? 0 : left));

    for (const auto &[from, to] : open.image->footprint())
        RC_ASSERT(region <= from && to <= end);
    const Bytes now = open.image->killed();
    RC_ASSERT(std::memcmp(now.data(), old.data(), region) == 0);
    RC_ASSERT(std::memcmp(now.data() + end, old.data() + end, now.size() - end) == 0);
    RC_ASSERT(open.entries().size() == seed + 2);
    open.verify();
}

} // namespace
} // namespace model
