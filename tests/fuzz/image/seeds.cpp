// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

#include "seeds.hpp"

#include "check.hpp"
#include "format/superblock.hpp"
#include "random.hpp"

#include <algorithm>
#include <cstring>
#include <string>

namespace fuzz {
namespace {

// A stream in the making.
class Draft {
public:
    Draft(std::size_t size, std::size_t block_size) : map_(Bytes(size), PMEM2_GRANULARITY_CACHE_LINE)
    {
        check(pmemstream_from_map(&stream_, block_size, map_.map()) == 0, "making a seed");
    }
    ~Draft() { pmemstream_delete(&stream_); }
    Draft(const Draft &) = delete;
    Draft &operator=(const Draft &) = delete;

    pmemstream_region allocate(std::size_t size)
    {
        pmemstream_region region{};
        check(pmemstream_region_allocate(stream_, size, &region) == 0, "allocating in a seed");
        return region;
    }
    void free(pmemstream_region region) { check(pmemstream_region_free(stream_, region) == 0, "freeing in a seed"); }
    void append(pmemstream_region region, std::size_t size)
    {
        const std::string data(size, next_++);
        check(pmemstream_append(stream_, region, nullptr, data.data(), size, nullptr) == 0, "appending to a seed");
    }
    // Visible, and not persisted.
    void append_later(pmemstream_region region, std::size_t size)
    {
        const std::string data(size, next_++);
        check(pmemstream_async_append(stream_, nullptr, region, nullptr, data.data(), size, nullptr) == 0,
              "appending to a seed");
    }
    pmemstream_entry reserve(pmemstream_region region, std::size_t size)
    {
        pmemstream_entry entry{};
        void *data = nullptr;
        check(pmemstream_reserve(stream_, region, nullptr, size, &entry, &data) == 0, "reserving in a seed");
        std::memset(data, next_++, size);
        return entry;
    }
    void publish(pmemstream_region region, pmemstream_entry entry, std::size_t size)
    {
        check(pmemstream_publish(stream_, region, nullptr, entry, size) == 0, "publishing in a seed");
    }
    Bytes closed()
    {
        pmemstream_delete(&stream_);
        return map_.copy();
    }
    Bytes killed() const { return map_.copy(); }

private:
    MemoryMap map_;
    pmemstream *stream_ = nullptr;
    char next_ = 'a';
};

// Three regions, of which one was freed; entries of several sizes, a filler and a gap.
void fill(Draft &draft)
{
    const pmemstream_region first = draft.allocate(960);
    const pmemstream_region freed = draft.allocate(192);
    const pmemstream_region second = draft.allocate(448);
    for (const std::size_t size : {0U, 1U, 8U, 100U, 33U}) {
        draft.append(first, size);
        draft.append(freed, size % 40);
        draft.append(second, size / 2);
    }
    const pmemstream_entry shorter = draft.reserve(first, 40);
    const pmemstream_entry by_a_word = draft.reserve(first, 40);
    draft.append(first, 5);
    draft.publish(first, shorter, 10);
    draft.publish(first, by_a_word, 32);
    draft.free(freed);
}

Bytes closed()
{
    Draft draft(12288, 64);
    fill(draft);
    return draft.closed();
}

// Entries behind the checkpoints, which freeing has moved, some of them not persisted.
Bytes killed()
{
    Draft draft(12288, 64);
    fill(draft);
    const pmemstream_region third = draft.allocate(640);
    for (const std::size_t size : {24U, 0U, 70U})
        draft.append(third, size);
    draft.append_later(third, 9);
    draft.append_later(third, 17);
    return draft.killed();
}

// Reservations that are open, covered by a filler, published over one.
Bytes killed_with_reservations()
{
    Draft draft(12288, 64);
    const pmemstream_region region = draft.allocate(2048);
    draft.append(region, 10);
    const pmemstream_entry first = draft.reserve(region, 50);
    const pmemstream_entry second = draft.reserve(region, 30);
    draft.append(region, 20);
    draft.reserve(region, 64);
    draft.append(region, 3);
    draft.publish(region, second, 20);
    draft.publish(region, first, 50);
    draft.append_later(region, 40);
    draft.reserve(region, 8);
    return draft.killed();
}

Bytes large_blocks()
{
    Draft draft(5 * 8192 + 100, 4096);
    const pmemstream_region first = draft.allocate(10000);
    const pmemstream_region second = draft.allocate(1);
    draft.append(first, 5000);
    draft.append(second, 4000);
    draft.append(first, 8);
    return draft.killed();
}

Bytes cut_short()
{
    Bytes image(10240);
    const std::uint64_t intent = pms::format::encode_intent(64);
    std::memcpy(image.data(), &intent, sizeof intent);
    return image;
}

} // namespace

const std::vector<Seed> &seeds()
{
    static const std::vector<Seed> made = [] {
        restart_random();
        return std::vector<Seed>{{closed(), 64},         {killed(), 64},     {killed_with_reservations(), 64},
                                 {large_blocks(), 4096}, {Bytes(10240), 64}, {cut_short(), 64}};
    }();
    return made;
}

} // namespace fuzz
