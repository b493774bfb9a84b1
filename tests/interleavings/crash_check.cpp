// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

#include "interleavings/crash_check.hpp"

#include "base/checksum.hpp"

#include <utility>

namespace interleavings {
namespace {

// Of a moment with more images some are looked at: losing all, losing nothing, one more or one less, and random ones.
constexpr explorer::StateLimits limits{.images = 256, .torn = 8};

} // namespace

CrashCheck::CrashCheck(std::size_t image_size, pms::Granularity granularity)
    : granularity_(granularity), image_(image_size, granularity), bytes_(image_size)
{}

void CrashCheck::note(const pms::SimulatedImage &image, const Ledger &owed, const char *when)
{
    pms::SimulatedImage::Uncertain uncertain = image.uncertain();
    const std::vector<std::uint64_t> &durable = uncertain.durable;
    std::vector<std::uint64_t> all{owed.hash(), pms::hash(durable.data(), durable.size() * sizeof durable[0], 1)};
    for (const pms::SimulatedImage::Pending &store : uncertain.pending)
        all.insert(all.end(), {store.word << 1 | (store.non_temporal ? 1U : 0U), store.value});
    if (!seen_.insert(pms::hash(all.data(), all.size() * sizeof all[0], 1)))
        return;
    ++points_;
    moments_.push_back({std::move(uncertain), image.killed(), owed, when});
}

std::string CrashCheck::check()
{
    std::string wrong;
    for (const Moment &moment : std::exchange(moments_, {})) {
        const std::uint64_t owed = moment.owed.hash();
        explorer::StateCounts counts;
        const auto look = [&](const pms::SimulatedImage::Bytes &bytes, std::uint64_t hash) {
            if (!seen_.insert((hash + owed * 3) * 0x9e3779b97f4a7c15 + 1))
                return true;
            wrong = check(bytes, moment.owed);
            return wrong.empty();
        };
        if (look(moment.killed, pms::hash(moment.killed.data(), moment.killed.size(), 3)))
            explorer::each_crash_state(
                moment.uncertain, granularity_, limits, random_,
                [&](const explorer::CrashState &state) {
                    state.write_to(bytes_);
                    return look(bytes_, state.hash);
                },
                counts);
        if (!wrong.empty())
            return std::string("after a crash ") + moment.when + ": " + wrong;
    }
    return {};
}

std::string CrashCheck::check(const pms::SimulatedImage::Bytes &bytes, const Ledger &owed)
{
    ++states_;
    image_.reset(bytes);
    pmemstream *stream = nullptr;
    if (pmemstream_from_map(&stream, block_size, image_.map()) != 0)
        return std::string("opening: ") + pmemstream_errormsg();
    std::string wrong = owed.compare(stream);
    image_.kill();
    pmemstream_delete(&stream);
    return wrong;
}

} // namespace interleavings
