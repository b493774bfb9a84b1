// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

#include "use.hpp"

#include "base/checksum.hpp"
#include "check.hpp"
#include "format/layout.hpp"

#include <algorithm>
#include <string>
#include <vector>

namespace fuzz {
namespace {

// That a call worked, or failed for want of space or of timestamps.
bool worked(int result, const char *what)
{
    if (result == 0)
        return true;
    check(result == -1 && (errno == ENOSPC || errno == EOVERFLOW), what);
    return false;
}

class User {
public:
    User(pmemstream *stream, std::span<const std::byte> bytes, std::uint8_t how)
        : stream_(stream), bytes_(bytes), how_(how)
    {}

    // Synchronously, behind a reservation, by publishing, and to the last byte.
    void append_each_way(pmemstream_region region)
    {
        append(region, std::string(how_ % 64, 'A'));
        const std::string data(how_ % 7, 'R');
        pmemstream_entry reserved{};
        void *place = nullptr;
        const bool open = worked(
            pmemstream_reserve(stream_, region, nullptr, data.size() + how_ % 3 * 16, &reserved, &place), "reserve");
        if (how_ % 2 != 0)
            append(region, "behind");
        if (open) {
            std::ranges::copy(data, static_cast<char *>(place));
            if (worked(pmemstream_publish(stream_, region, nullptr, reserved, data.size()), "publish"))
                add(reserved, data);
        }
        if (how_ % 4 == 0)
            fill(region);
    }

    // What lies in a region that goes away goes with it.
    void free(const SeenRegion &region)
    {
        const pmemstream_region freed{region.offset};
        const std::uint64_t size = pmemstream_region_size(stream_, freed);
        check(pmemstream_region_free(stream_, freed) == 0, "region_free");
        check(pmemstream_region_size(stream_, freed) == 0 && errno == ENOENT, "a freed region is gone");
        std::erase_if(appended_, [&](const SeenEntry &entry) {
            return entry.offset >= region.offset + pms::format::region_header_size &&
                   entry.offset < region.offset + pms::format::region_header_size + size;
        });
    }

    std::vector<SeenEntry> appended() { return std::move(appended_); }

private:
    void append(pmemstream_region region, const std::string &data)
    {
        const std::uint64_t before = pmemstream_persisted_timestamp(stream_);
        pmemstream_entry entry{};
        if (!worked(pmemstream_append(stream_, region, nullptr, data.data(), data.size(), &entry), "append"))
            return;
        add(entry, data);
        check(pmemstream_entry_timestamp(stream_, entry) > before, "timestamps rise");
        check(pmemstream_persisted_timestamp(stream_) > before, "what was appended is persisted");
    }

    void fill(pmemstream_region region)
    {
        const std::size_t left = pmemstream_region_usable_size(stream_, region);
        if (left < 16)
            return;
        const std::string data(left - 16, 'F');
        pmemstream_entry entry{};
        if (!worked(pmemstream_async_append(stream_, nullptr, region, nullptr, data.data(), data.size(), &entry),
                    "async_append"))
            return;
        check(pmemstream_region_usable_size(stream_, region) == 0, "a region can be filled");
        auto future = pmemstream_async_wait_persisted(stream_, pmemstream_entry_timestamp(stream_, entry));
        FUTURE_BUSY_POLL(&future);
        check(future.output.error_code == 0, "a wait for what was appended");
        add(entry, data);
    }

    void add(pmemstream_entry entry, const std::string &data)
    {
        const SeenEntry seen = see_entry(stream_, entry, bytes_);
        check(seen.size == data.size() && seen.hash == pms::hash(data.data(), data.size(), 0),
              "what was appended is there as it was given");
        appended_.push_back(seen);
    }

    pmemstream *stream_;
    std::span<const std::byte> bytes_;
    std::uint8_t how_;
    std::vector<SeenEntry> appended_;
};

} // namespace

std::vector<SeenEntry> use(pmemstream *stream, std::span<const std::byte> bytes, std::uint8_t how)
{
    const View before = view(stream, bytes);
    User user(stream, bytes, how);
    for (const SeenRegion &region : before)
        user.append_each_way({region.offset});

    pmemstream_info info{};
    check(pmemstream_get_info(stream, &info, sizeof info) == 0, "get_info");
    pmemstream_region region{};
    check(!worked(pmemstream_region_allocate(stream, info.largest_free_size + 1, &region), "allocating too much"),
          "more cannot be allocated than is free");
    const std::uint64_t size = how % 8 < 4 ? info.largest_free_size : info.largest_free_size / 2;
    if (size != 0 && worked(pmemstream_region_allocate(stream, size, &region), "allocating what is free"))
        user.append_each_way(region);
    if (how % 16 < 8 && !before.empty())
        user.free(before[how % before.size()]);
    return user.appended();
}

void check_read_only(pmemstream *stream)
{
    pmemstream_region region{};
    check(pmemstream_region_allocate(stream, 1, &region) == -1 && errno == EROFS, "allocating, read-only");
    pmemstream_region_iterator *iterator = nullptr;
    check(pmemstream_region_iterator_new(&iterator, stream) == 0, "region_iterator_new");
    pmemstream_region_iterator_seek_first(iterator);
    if (pmemstream_region_iterator_is_valid(iterator) == 0) {
        region = pmemstream_region_iterator_get(iterator);
        pmemstream_entry entry{};
        void *data = nullptr;
        check(pmemstream_region_free(stream, region) == -1 && errno == EROFS, "freeing, read-only");
        check(pmemstream_append(stream, region, nullptr, "x", 1, nullptr) == -1 && errno == EROFS,
              "appending, read-only");
        check(pmemstream_reserve(stream, region, nullptr, 1, &entry, &data) == -1 && errno == EROFS,
              "reserving, read-only");
    }
    pmemstream_region_iterator_delete(&iterator);
}

} // namespace fuzz
