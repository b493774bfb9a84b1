// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

#include "model.hpp"

namespace model {

void Region::close()
{
    for (Slot &slot : slots)
        slot.cancelled = slot.cancelled || slot.reserved();
    drop_cancelled();
}

void Region::drop_cancelled()
{
    while (!slots.empty() && slots.back().cancelled)
        slots.pop_back();
}

void Region::lose_behind(std::uint64_t timestamp)
{
    std::erase_if(slots, [&](const Slot &slot) { return !slot.entry() || slot.timestamp > timestamp; });
}

std::vector<const Slot *> Region::visible(std::uint64_t committed) const
{
    std::vector<const Slot *> entries;
    for (const Slot &slot : slots) {
        if (slot.reserved() || slot.timestamp > committed)
            break;
        if (slot.entry())
            entries.push_back(&slot);
    }
    return entries;
}

Region *Model::find(std::uint64_t offset)
{
    const auto found = std::ranges::find(regions, offset, &Region::offset);
    return found == regions.end() ? nullptr : &*found;
}

std::uint64_t Model::free_size() const
{
    std::uint64_t taken = 0;
    for (const Region &region : regions)
        taken += region.size + header_size;
    return spans_end() - metadata_size - taken;
}

std::uint64_t Model::longest_free() const
{
    std::vector<std::pair<std::uint64_t, std::uint64_t>> taken;
    for (const Region &region : regions)
        taken.emplace_back(region.offset, region.end());
    taken.emplace_back(spans_end(), spans_end());
    std::ranges::sort(taken);
    std::uint64_t longest = 0;
    std::uint64_t from = metadata_size;
    for (const auto &[begin, end] : taken) {
        longest = std::max(longest, begin - from);
        from = end;
    }
    return longest;
}

std::optional<Slot> Model::entry_with(std::uint64_t timestamp) const
{
    for (const Region &region : regions)
        for (const Slot &slot : region.slots)
            if (slot.timestamp == timestamp)
                return slot;
    return std::nullopt;
}

} // namespace model
