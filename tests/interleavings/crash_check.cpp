// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

#include "interleavings/crash_check.hpp"

#include <utility>

namespace interleavings {
namespace {

// Of a moment with more images some are looked at: losing all, losing nothing, one more or one less, and random ones.
constexpr explorer::StateLimits limits{.images = 256, .torn = 8};

} // namespace

CrashCheck::CrashCheck(std::size_t image_size, pms::Granularity granularity)
    : granularity_(granularity), image_(image_size, granularity)
{}

bool CrashCheck::is_new(std::uint64_t hash, const Ledger &owed)
{
    return seen_.insert((hash + owed.hash() * 3) * 0x9e3779b97f4a7c15 + 1);
}

void CrashCheck::note(const pms::SimulatedImage &image, const Ledger &owed, const char *when)
{
    if (!is_new(image.hash_of_uncertain() * 5 + image.hash_of_cache(), owed))
        return;
    ++points_;
    moments_.push_back({image.uncertain(), pms::SimulatedImage::shared(image.killed()), owed, when});
}

std::string CrashCheck::check()
{
    std::string wrong;
    for (const Moment &moment : std::exchange(moments_, {})) {
        explorer::StateCounts counts;
        if (is_new(moment.killed->hash, moment.owed)) {
            image_.reset(moment.killed, {}, {});
            wrong = recover(moment.owed);
        }
        if (wrong.empty())
            explorer::each_crash_state(
                moment.uncertain, granularity_, limits, random_,
                [&](std::uint64_t hash) { return is_new(hash, moment.owed); },
                [&](const explorer::CrashState &state) {
                    image_.reset(state.durable, state.words, state.values);
                    wrong = recover(moment.owed);
                    return wrong.empty();
                },
                counts);
        if (!wrong.empty())
            return std::string("after a crash ") + moment.when + ": " + wrong;
    }
    return {};
}

std::string CrashCheck::check(const pms::SimulatedImage::Bytes &bytes, const Ledger &owed)
{
    image_.reset(bytes);
    return recover(owed);
}

std::string CrashCheck::recover(const Ledger &owed)
{
    ++states_;
    pmemstream *stream = nullptr;
    if (pmemstream_from_map(&stream, block_size, image_.map()) != 0)
        return std::string("opening: ") + pmemstream_errormsg();
    std::string wrong = owed.compare(stream);
    image_.kill();
    pmemstream_delete(&stream);
    return wrong;
}

} // namespace interleavings
