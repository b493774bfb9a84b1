// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

#include "region/scan.hpp"

#include <algorithm>

namespace pms {
namespace {

// Hashing may cost this many times the range that is searched. Honest images need one.
constexpr std::uint64_t search_budget_factor = 16;
constexpr std::uint64_t search_budget_base = 1 << 20;
// Records up to this length are always looked at: at most so many bytes for each 8.
constexpr std::uint64_t cheap_length = 1024;

FoundRecord found(const format::Record &record, std::uint64_t offset)
{
    return {offset, offset + record.length(), record.timestamp, record.size, record.kind};
}

// Whether there is a whole record at `offset`, one that ends behind the limit.
bool crosses(const Medium &medium, const RegionReading &region, std::uint64_t offset, std::uint64_t limit)
{
    const auto record = read_record_header(medium, region.seed, offset, region.end());
    return record && offset + record->length() > limit &&
           find_record(medium, region.seed, offset, region.end()).has_value();
}

} // namespace

std::optional<FoundRecord> find_record(const Medium &medium, std::uint64_t seed, std::uint64_t offset,
                                       std::uint64_t end)
{
    const auto record = read_record_header(medium, seed, offset, end);
    if (!record || !format::holds(*record, medium.at(offset + format::record_header_size), seed, offset))
        return std::nullopt;
    return found(*record, offset);
}

RecordSearch::RecordSearch(const Medium &medium, std::uint64_t seed, std::uint64_t begin, std::uint64_t end) noexcept
    : medium_(medium), seed_(seed), end_(end), budget_((end - begin) * search_budget_factor + search_budget_base),
      second_budget_(budget_)
{}

bool RecordSearch::affordable(const format::Record &record, std::uint64_t offset) noexcept
{
    const auto pay = [&](std::uint64_t &budget) {
        if (record.length() > budget)
            return false;
        budget -= record.length();
        return true;
    };
    if (record.length() <= cheap_length || pay(budget_))
        return true;
    // Behind a whole record comes another one, or none: what is followed by neither only looks like one.
    const std::uint64_t behind = offset + record.length();
    const bool plausible =
        behind == end_ || medium_.load(behind) == 0 || read_record_header(medium_, seed_, behind, end_);
    return plausible && pay(second_budget_);
}

bool RecordSearch::may_be_record(std::uint64_t offset) const noexcept
{
    const std::uint64_t room = end_ - offset;
    if (room >= format::record_alignment && format::is_gap(medium_.load(offset)))
        return true;
    return room >= format::record_header_size &&
           format::has_kind(medium_.load(offset + offsetof(format::RecordHeader, second)));
}

std::optional<FoundRecord> RecordSearch::next(std::uint64_t from)
{
    for (std::uint64_t offset = from; offset < end_; offset += format::record_alignment) {
        // Nearly all of what is searched are zeros.
        if (!may_be_record(offset))
            continue;
        const auto record = read_record_header(medium_, seed_, offset, end_);
        if (!record)
            continue;
        if (record->holds_data()) {
            if (!affordable(*record, offset)) {
                exhausted_ = true;
                continue;
            }
            if (!format::holds(*record, medium_.at(offset + format::record_header_size), seed_, offset))
                continue;
        }
        return found(*record, offset);
    }
    return std::nullopt;
}

RegionScan scan_region(const Medium &medium, const RegionReading &region)
{
    RegionScan scan;
    const bool bounds_hold = region.limit && region.checkpoint;
    const std::uint64_t limit = region.limit.value_or(region.end());
    const bool from_checkpoint = bounds_hold && *region.checkpoint != 0;
    std::uint64_t offset = from_checkpoint ? *region.checkpoint : region.data_begin();

    while (offset < limit) {
        if (const auto record = find_record(medium, region.seed, offset, limit)) {
            scan.chain.push_back(*record);
            offset = record->end;
            continue;
        }
        const bool in_hole = region.hole_begin && region.hole_end && *region.hole_begin != 0 &&
                             *region.hole_begin <= offset && offset < *region.hole_end && *region.hole_end <= limit;
        if (!in_hole)
            break;
        scan.holes.push_back({offset, *region.hole_end});
        offset = *region.hole_end;
    }
    scan.chain_end = offset;
    if (region.hole_begin && region.hole_end && *region.hole_begin == *region.hole_end)
        scan.known_end = *region.hole_end;
    scan.limit_holds = scan.known_end <= limit && !crosses(medium, region, offset, limit);
    scan.checkpoint_holds =
        !from_checkpoint || (!scan.chain.empty() && scan.chain.front().offset == *region.checkpoint);

    RecordSearch search(medium, region.seed, offset, limit);
    while (const auto stray = search.next(offset)) {
        scan.strays.push_back(*stray);
        offset = stray->end;
    }
    scan.complete = !search.exhausted();
    return scan;
}

} // namespace pms
