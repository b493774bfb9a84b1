// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// One region, with reservations published in any order and entries behind them: a crash at every fence, of the writing
// and of the recovery. Whatever was acknowledged by then is there.

#include "open_stream.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <deque>
#include <ostream>
#include <random>

namespace model {
namespace {

using Entries = std::map<std::uint64_t, OpenStream::Entry>;

constexpr std::size_t stream_size = 100000;

struct Left {
    Bytes content;
    Entries acknowledged;
};

// What a crash may leave before each fence of what `image` does from now on.
void collect_at_fences(pms::SimulatedImage &image, const Entries &acknowledged, std::mt19937_64 &random,
                       std::deque<Left> &left)
{
    image.before_fence = [&] {
        left.push_back({image.power_cut_losing_all(), acknowledged});
        left.push_back({image.power_cut(random), acknowledged});
        left.push_back({image.power_cut(random), acknowledged});
    };
}

void check(OpenStream &open, const Entries &acknowledged)
{
    const Entries found = open.entries();
    for (const auto &[timestamp, entry] : acknowledged)
        must(found.contains(timestamp) && found.at(timestamp) == entry, "an acknowledged entry is as it was");
    must(found.size() == pmemstream_persisted_timestamp(open.stream), "there is no hole");
    open.verify();
}

struct Step {
    std::uint32_t kind; // 0: reserve, 1: append, else publish
    std::uint32_t which;
    std::uint32_t size;
};

std::ostream &operator<<(std::ostream &out, const Step &step)
{
    return out << (step.kind == 0   ? "reserve "
                   : step.kind == 1 ? "append "
                                    : "publish ")
               << step.which << " " << step.size;
}

// Runs the steps, each acknowledged before the next.
void run(OpenStream &open, const std::vector<Step> &steps, Entries &acknowledged)
{
    struct Reservation {
        pmemstream_entry entry;
        void *place;
        std::size_t size;
    };
    std::vector<Reservation> reservations;
    const std::uint64_t region = open.allocate(stream_size - 10000);
    for (const Step &step : steps) {
        const std::uint64_t timestamp = acknowledged.size() + 1;
        Data data = make_data(timestamp, step.size);
        pmemstream_entry entry{};
        if (step.kind < 2 && step.size + 24 > pmemstream_region_usable_size(open.stream, {region}))
            continue;
        if (step.kind == 0) {
            Reservation made{{}, nullptr, step.size};
            must(pmemstream_reserve(open.stream, {region}, nullptr, step.size, &made.entry, &made.place) == 0,
                 "reserve");
            reservations.push_back(made);
            continue;
        }
        if (step.kind == 1) {
            must(pmemstream_append(open.stream, {region}, nullptr, data->data(), step.size, &entry) == 0, "append");
        } else if (!reservations.empty()) {
            const auto chosen = reservations.begin() + step.which % reservations.size();
            const std::size_t size = step.which % 3 == 0 ? step.size % (chosen->size + 1) : chosen->size;
            data = make_data(timestamp, size);
            if (size != 0)
                std::copy_n(data->data(), size, static_cast<std::byte *>(chosen->place));
            must(pmemstream_publish(open.stream, {region}, nullptr, chosen->entry, size) == 0, "publish");
            entry = chosen->entry;
            reservations.erase(chosen);
        } else {
            continue;
        }
        acknowledged.emplace(timestamp, OpenStream::Entry{region, entry.offset, *data});
    }
    // Those still open are published: what an iterator shows ends at the first open one.
    for (const Reservation &one : reservations) {
        const std::uint64_t timestamp = acknowledged.size() + 1;
        const Data data = make_data(timestamp, one.size);
        if (one.size != 0)
            std::copy_n(data->data(), one.size, static_cast<std::byte *>(one.place));
        must(pmemstream_publish(open.stream, {region}, nullptr, one.entry, one.size) == 0, "publish");
        acknowledged.emplace(timestamp, OpenStream::Entry{region, one.entry.offset, *data});
    }
}

void explore(pms::Granularity granularity, const std::vector<Step> &steps, std::uint32_t seed)
{
    std::mt19937_64 random(seed);
    std::deque<Left> left;
    Entries acknowledged;
    OpenStream open(Bytes(stream_size), granularity, 64);
    collect_at_fences(*open.image, acknowledged, random, left);
    run(open, steps, acknowledged);
    open.image->before_fence = nullptr;
    check(open, acknowledged);
    left.push_back({open.image->killed(), acknowledged});
    left.push_back({open.image->power_cut_losing_all(), acknowledged});
    const std::size_t of_the_writing = left.size();

    for (std::size_t i = 0; i < left.size(); ++i) {
        const Left one = left[i];
        // The last two are also cut at every fence of their recovery.
        if (i + 2 >= of_the_writing && i < of_the_writing) {
            pms::SimulatedImage image(one.content, granularity);
            collect_at_fences(image, one.acknowledged, random, left);
            pmemstream *stream = nullptr;
            must(pmemstream_from_map(&stream, 64, image.map()) == 0, "from_map");
            image.before_fence = nullptr;
            pmemstream_delete(&stream);
        }
        OpenStream again(one.content, granularity, 64);
        check(again, one.acknowledged);
    }
}

RC_GTEST_PROP(Reservations, survive_a_crash_at_every_fence, ())
{
    const auto granularity =
        *rc::gen::elementOf(std::vector(std::begin(all_granularities), std::end(all_granularities)));
    const auto sizes = rc::gen::weightedOneOf<std::uint32_t>(
        {{8, rc::gen::inRange<std::uint32_t>(0, 200)}, {1, rc::gen::inRange<std::uint32_t>(0, 40000)}});
    const auto steps = *rc::gen::scale(
        0.12, rc::gen::container<std::vector<Step>>(rc::gen::construct<Step>(
                  rc::gen::inRange<std::uint32_t>(0, 5), rc::gen::inRange<std::uint32_t>(0, 100), sizes)));
    explore(granularity, steps, *rc::gen::arbitrary<std::uint32_t>());
}

// The limit of a region moves, and with it the checkpoint, while the last entry has a lower timestamp than one in front
// of it.
TEST(Reservations, survive_a_checkpoint_behind_a_later_timestamp)
{
    for (const pms::Granularity granularity : all_granularities)
        explore(granularity, {{0, 0, 8}, {1, 0, 50000}, {2, 1, 8}, {1, 0, 20000}, {1, 0, 8}}, 1);
}

} // namespace
} // namespace model
