// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

#include "contenders/floor.hpp"

#include "contenders/nontemporal.hpp"

#include <algorithm>
#include <utility>

namespace bench {
namespace {

// The memory of a floor, filled from its beginning to its end, again and again.
class Place {
public:
    Place(pmem2_map *map, std::size_t offset, std::size_t size)
        : begin_(static_cast<std::byte *>(pmem2_map_get_address(map)) + offset), size_(size)
    {}

    std::uint64_t capacity(std::size_t record) const { return size_ / record; }

    void make_room(std::size_t record, std::uint64_t count)
    {
        if ((size_ - used_) / record < count)
            used_ = 0;
    }

    std::byte *take(std::size_t record) noexcept
    {
        std::byte *const place = begin_ + used_;
        used_ += record;
        return place;
    }

private:
    std::byte *begin_;
    std::size_t size_;
    std::size_t used_ = 0;
};

constexpr std::size_t packed_size(std::size_t size)
{
    return header_size + size;
}
constexpr std::size_t full_lines_size(std::size_t size)
{
    return (header_size + size + line_size - 1) / line_size * line_size;
}

Header header_of(std::size_t size, std::uint64_t number) noexcept
{
    return {{static_cast<long long>(size), static_cast<long long>(number)}};
}

// What a policy below stores a record by, then a fence.
template <typename Policy>
class NontemporalFloor final : public LogLoops<NontemporalFloor<Policy>> {
public:
    NontemporalFloor(Map map, pmem2_map *memory, std::size_t offset, std::size_t size)
        : map_(std::move(map)), place_(memory, offset, size)
    {}

    std::uint64_t capacity(std::size_t size) const override { return place_.capacity(Policy::record_size(size)); }
    void make_room(std::size_t size, std::uint64_t count) override
    {
        place_.make_room(Policy::record_size(size), count);
    }

    void append_one(const std::byte *data, std::size_t size) noexcept
    {
        Policy::store(place_.take(Policy::record_size(size)), header_of(size, ++number_), data, size);
        _mm_sfence();
    }

private:
    Map map_;
    Place place_;
    std::uint64_t number_ = 0;
};

template <typename Stores>
struct Packed {
    static constexpr std::size_t record_size(std::size_t size) { return packed_size(size); }
    static void store(std::byte *to, Header header, const std::byte *data, std::size_t size) noexcept
    {
        stream_packed<Stores>(to, header, data, size);
    }
};

template <typename Stores>
struct FullLines {
    static constexpr std::size_t record_size(std::size_t size) { return full_lines_size(size); }
    static void store(std::byte *to, Header header, const std::byte *data, std::size_t size) noexcept
    {
        stream_full_lines<Stores>(to, header, data, size);
    }
};

// Ordinary stores and flushes by the instruction that libpmem2 found to be the best; a fence for so many entries.
class CachedFloor final : public Log {
public:
    CachedFloor(Map map, pmem2_map *memory, std::size_t offset, std::size_t size, std::uint64_t batch)
        : map_(std::move(map)), place_(memory, offset, size), flush_(pmem2_get_flush_fn(memory)), batch_(batch)
    {}

    std::uint64_t capacity(std::size_t size) const override { return place_.capacity(packed_size(size)); }
    void make_room(std::size_t size, std::uint64_t count) override { place_.make_room(packed_size(size), count); }

    void append(const std::byte *data, std::size_t size, std::uint64_t count) override
    {
        while (count != 0) {
            const std::uint64_t now = std::min(count, batch_);
            append_batch(data, size, now);
            count -= now;
        }
    }

    void append_stamped(const std::byte *data, std::size_t size, std::span<Ticks> stamps) override
    {
        for (Ticks &stamp : stamps) {
            append_batch(data, size, 1);
            stamp = ticks();
        }
    }

private:
    void append_batch(const std::byte *data, std::size_t size, std::uint64_t count) noexcept
    {
        std::byte *unflushed = nullptr;
        std::byte *end = nullptr;
        for (std::uint64_t i = 0; i < count; ++i) {
            std::byte *const to = place_.take(packed_size(size));
            const Header header = header_of(size, ++number_);
            std::memcpy(to, &header, sizeof header);
            std::memcpy(to + header_size, data, size);
            end = to + packed_size(size);
            if (i == 0)
                unflushed = to;
            // Each line once, as soon as it is full.
            std::byte *const full = end - reinterpret_cast<std::uintptr_t>(end) % line_size;
            if (full > unflushed) {
                flush_(unflushed, static_cast<std::size_t>(full - unflushed));
                unflushed = full;
            }
        }
        if (end > unflushed)
            flush_(unflushed, static_cast<std::size_t>(end - unflushed));
        _mm_sfence();
    }

    Map map_;
    Place place_;
    pmem2_flush_fn flush_;
    std::uint64_t batch_;
    std::uint64_t number_ = 0;
};

LogPtr make(Map map, pmem2_map *memory, std::size_t offset, std::size_t size, FloorStores stores)
{
    switch (stores) {
    case FloorStores::packed_16:
        return std::make_unique<NontemporalFloor<Packed<Stores16>>>(std::move(map), memory, offset, size);
    case FloorStores::packed_32:
        return std::make_unique<NontemporalFloor<Packed<Stores32>>>(std::move(map), memory, offset, size);
    case FloorStores::lines_16:
        return std::make_unique<NontemporalFloor<FullLines<Stores16>>>(std::move(map), memory, offset, size);
    case FloorStores::lines_32:
        return std::make_unique<NontemporalFloor<FullLines<Stores32>>>(std::move(map), memory, offset, size);
    case FloorStores::cached:
        break;
    }
    return std::make_unique<CachedFloor>(std::move(map), memory, offset, size, 1);
}

} // namespace

bool available(FloorStores stores)
{
    return (stores != FloorStores::packed_32 && stores != FloorStores::lines_32) || __builtin_cpu_supports("avx");
}

LogPtr make_floor(const Medium &medium, FloorStores stores)
{
    Map map = map_touched(medium);
    pmem2_map *const memory = map.get();
    return make(std::move(map), memory, 0, medium.size, stores);
}

LogPtr make_floor(pmem2_map *map, std::size_t offset, std::size_t size, FloorStores stores)
{
    return make(nullptr, map, offset, size, stores);
}

LogPtr make_batch_floor(const Medium &medium, std::uint64_t batch)
{
    Map map = map_touched(medium);
    pmem2_map *const memory = map.get();
    return std::make_unique<CachedFloor>(std::move(map), memory, 0, medium.size, batch);
}

} // namespace bench
