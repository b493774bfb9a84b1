// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

#include "session.hpp"

#include <gtest/gtest.h>

#include <cerrno>
#include <cstring>

namespace faults {
namespace {

constexpr int untouched = 54321;

} // namespace

Session::Session(AllocationFaults &faults, StreamFile &file, Content expected)
    : faults_(faults), file_(file), expected_(std::move(expected)),
      last_timestamp_(expected_.empty() ? 0 : expected_.rbegin()->first)
{
    const auto open = [&] { return pmemstream_from_map(&stream_, block_size, file.map()); };
    if (faults_.run(open) == 0)
        return;
    EXPECT_EQ(errno, ENOMEM);
    EXPECT_EQ(stream_, nullptr);
    EXPECT_EQ(open(), 0) << pmemstream_errormsg();
}

Session::Space Session::space() const
{
    const pmemstream_info info = info_of(stream_);
    Space space{info.region_count, info.free_size, info.largest_free_size, 0, 0};
    for (const pmemstream_region region : regions_of(stream_)) {
        pmemstream_region_info one{};
        EXPECT_EQ(pmemstream_get_region_info(stream_, region, &one, sizeof one), 0);
        space.used += one.end_offset - one.data_offset;
        space.reservations += one.open_reservations;
    }
    return space;
}

bool Session::succeeds(const std::function<int()> &call)
{
    const Space before = space();
    errno = untouched;
    const int result = faults_.run(call);
    const int error = errno;
    if (result == 0) {
        EXPECT_EQ(error, untouched);
        return true;
    }
    EXPECT_EQ(result, -1);
    EXPECT_EQ(error, ENOMEM) << pmemstream_errormsg();
    EXPECT_STREQ(pmemstream_errormsg(), "there is no memory left");
    EXPECT_TRUE(space() == before) << "a failed call changed something";
    return false;
}

void Session::added(pmemstream_region region, pmemstream_entry entry, const std::string &data)
{
    const std::uint64_t timestamp = pmemstream_entry_timestamp(stream_, entry);
    EXPECT_EQ(timestamp, ++last_timestamp_) << "a failed call took a timestamp";
    expected_[timestamp] = {region.offset, data};
}

std::optional<pmemstream_region> Session::allocate(std::size_t size)
{
    pmemstream_region region{7};
    if (succeeds([&] { return pmemstream_region_allocate(stream_, size, &region); }))
        return region;
    EXPECT_EQ(region.offset, 7U);
    return std::nullopt;
}

bool Session::free(pmemstream_region region)
{
    if (!succeeds([&] { return pmemstream_region_free(stream_, region); }))
        return false;
    std::erase_if(expected_, [&](const auto &entry) { return entry.second.region == region.offset; });
    return true;
}

bool Session::append(pmemstream_region region, const std::string &data)
{
    pmemstream_entry entry{};
    if (!succeeds([&] { return pmemstream_append(stream_, region, nullptr, data.data(), data.size(), &entry); }))
        return false;
    added(region, entry, data);
    return true;
}

bool Session::async_append(pmemstream_region region, vdm *mover, const std::string &data)
{
    pmemstream_entry entry{};
    if (!succeeds(
            [&] { return pmemstream_async_append(stream_, mover, region, nullptr, data.data(), data.size(), &entry); }))
        return false;
    added(region, entry, data);
    return true;
}

std::optional<pmemstream_entry> Session::reserve(pmemstream_region region, std::size_t size)
{
    pmemstream_entry entry{7};
    void *data = &entry;
    if (succeeds([&] { return pmemstream_reserve(stream_, region, nullptr, size, &entry, &data); }))
        return entry;
    EXPECT_EQ(entry.offset, 7U);
    EXPECT_EQ(data, &entry);
    return std::nullopt;
}

bool Session::publish(pmemstream_region region, pmemstream_entry entry, const std::string &data, bool wait)
{
    std::memcpy(static_cast<char *>(pmem2_map_get_address(file_.map())) + entry.offset + 16, data.data(), data.size());
    const auto publish = wait ? pmemstream_publish : pmemstream_async_publish;
    if (!succeeds([&] { return publish(stream_, region, nullptr, entry, data.size()); }))
        return false;
    added(region, entry, data);
    return true;
}

void Session::check(pmemstream *stream) const
{
    EXPECT_EQ(pmemstream_persisted_timestamp(stream), last_timestamp_);
    EXPECT_EQ(content_of(stream), expected_);
    EXPECT_EQ(damages_of(stream), 0U);
}

void Session::finish()
{
    auto wait = pmemstream_async_wait_persisted(stream_, last_timestamp_);
    FUTURE_BUSY_POLL(&wait);
    EXPECT_EQ(wait.output.error_code, 0);
    check(stream_);

    StreamFile killed(file_.bytes());
    pmemstream *reopened = nullptr;
    EXPECT_EQ(pmemstream_from_map(&reopened, block_size, killed.map()), 0) << pmemstream_errormsg();
    check(reopened);
    pmemstream_delete(&reopened);

    // A close without memory leaves what a crash leaves.
    faults_.run([&] { pmemstream_delete(&stream_); });
    EXPECT_EQ(stream_, nullptr);
    EXPECT_EQ(pmemstream_from_map(&stream_, block_size, file_.map()), 0) << pmemstream_errormsg();
    check(stream_);
    // Its space is whole, too.
    for (const pmemstream_region region : regions_of(stream_))
        EXPECT_EQ(pmemstream_region_free(stream_, region), 0) << pmemstream_errormsg();
    const pmemstream_info info = info_of(stream_);
    EXPECT_EQ(info.free_size, info.size - info.metadata_size);
    pmemstream_delete(&stream_);
}

} // namespace faults
