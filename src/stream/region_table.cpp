// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

#include "stream/region_table.hpp"

#include <new>

namespace pms {

Region *RegionTable::find(std::uint64_t offset) const
{
    Region *region = containing(offset);
    return region != nullptr && region->offset() == offset ? region : nullptr;
}

Region *RegionTable::containing(std::uint64_t offset) const
{
    // Region objects are never given back, so looking at one is safe; whoever goes on to use it checks its generation
    // or its offset under its lock.
    sync::atomic<Region *> &place = found_at(offset);
    Region *found = place.load(std::memory_order_acquire);
    if (found != nullptr && found->generation() != 0 && found->offset() <= offset && offset < found->end()) [[likely]]
        return found;
    const std::shared_lock guard(mutex_);
    const auto behind = by_offset_.upper_bound(offset);
    if (behind == by_offset_.begin())
        return nullptr;
    Region *region = std::prev(behind)->second;
    if (offset >= region->end())
        return nullptr;
    place.store(region, std::memory_order_release);
    return region;
}

RegionTable::Living RegionTable::after(std::uint64_t generation) const
{
    const std::shared_lock guard(mutex_);
    const auto entry = by_generation_.upper_bound(generation);
    if (entry == by_generation_.end())
        return {nullptr, 0};
    return {entry->second, entry->first};
}

std::size_t RegionTable::size() const
{
    const std::shared_lock guard(mutex_);
    return by_offset_.size();
}

std::vector<Region *> RegionTable::all() const
{
    const std::shared_lock guard(mutex_);
    std::vector<Region *> regions;
    regions.reserve(by_generation_.size());
    for (const auto &[generation, region] : by_generation_)
        regions.push_back(region);
    return regions;
}

Region *RegionTable::acquire(Medium &medium, const format::Geometry &geometry)
{
    constexpr std::size_t quarantine = 256;
    const std::unique_lock guard(mutex_);
    if (unused_.size() > quarantine) {
        Region *region = unused_.front();
        unused_.pop_front();
        return region;
    }
    return objects_.emplace_back(std::make_unique<Region>(medium, geometry)).get();
}

void RegionTable::release(Region *region) noexcept
{
    const std::unique_lock guard(mutex_);
    try {
        unused_.push_back(region);
    } catch (const std::bad_alloc &) {
        // It is not used again, and goes with the table.
        return;
    }
}

RegionTable::Node RegionTable::make_node()
{
    std::map<std::uint64_t, Region *> maps[2];
    for (auto &map : maps)
        map.emplace(0, nullptr);
    return {maps[0].extract(maps[0].begin()), maps[1].extract(maps[1].begin())};
}

void RegionTable::insert(Node &&node, Region *region) noexcept
{
    const std::unique_lock guard(mutex_);
    const auto put = [&](auto &map, auto &handle, std::uint64_t key) {
        handle.key() = key;
        handle.mapped() = region;
        map.insert(std::move(handle));
    };
    put(by_offset_, node.by_offset, region->offset());
    put(by_generation_, node.by_generation, region->generation());
}

void RegionTable::erase(Region *region) noexcept
{
    const std::unique_lock guard(mutex_);
    by_offset_.erase(region->offset());
    by_generation_.erase(region->generation());
}

} // namespace pms
