// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

#include "crash/explorer/run.hpp"

#include "api/api.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace explorer {
namespace {

constexpr std::size_t region_request = 176; // a span of 256 bytes: eight entries of 8 bytes

} // namespace

Run::Run(pms::SimulatedImage &image, const Start &start) : image_(image), owed_(start.owed), next_id_(start.next_id)
{
    open();
}

Run::~Run()
{
    image_.before_fence = nullptr;
    image_.kill();
    pmemstream_delete(&stream_);
}

bool Run::fail(const char *what)
{
    if (wrong_.empty())
        wrong_ = std::string(what) + ": " + pmemstream_errormsg();
    return false;
}

bool Run::open()
{
    if (pmemstream_from_map(&stream_, block_size, image_.map()) != 0)
        return fail("opening");
    Obligations found = owed_;
    if (std::string wrong = compare(stream_, found); !wrong.empty()) {
        wrong_ = "opening: " + wrong;
        return false;
    }
    found.reopened(pmemstream_persisted_timestamp(stream_));
    owed_ = std::move(found);
    return true;
}

std::size_t Run::oldest_region() const
{
    const auto found = std::ranges::find(owed_.regions, Region::State::live, &Region::state);
    return found == owed_.regions.end() ? SIZE_MAX : static_cast<std::size_t>(found - owed_.regions.begin());
}

std::size_t Run::newest_region() const
{
    for (std::size_t i = owed_.regions.size(); i-- > 0;)
        if (owed_.regions[i].state == Region::State::live)
            return i;
    return SIZE_MAX;
}

void Run::submit(std::size_t region, std::uint64_t offset, std::uint64_t size, std::uint64_t id)
{
    owed_.entries.push_back({owed_.last_timestamp() + 1, offset, size, id, region});
}

void Run::acknowledge(bool all)
{
    // What a function tells is a promise, too.
    owed_.acknowledged = std::max(owed_.acknowledged, pmemstream_persisted_timestamp(stream_));
    if (all && owed_.acknowledged != owed_.last_timestamp() && wrong_.empty())
        wrong_ = "what was waited for is not persisted";
}

bool Run::append(std::size_t region, std::uint64_t size, bool wait)
{
    if (region == SIZE_MAX)
        return false;
    const pmemstream_region place{owed_.regions[region].offset};
    pmemstream_region_info info{};
    if (pmemstream_get_region_info(stream_, place, &info, sizeof info) != 0)
        return fail("looking at a region");
    if (info.usable_size < 16 + (size + 7) / 8 * 8)
        return false;
    const std::uint64_t id = next_id_++;
    buffers_.push_back(data_of(id, size));
    const void *data = buffers_.back().data();
    submit(region, info.end_offset, size, id);
    const int result = wait ? pmemstream_append(stream_, place, nullptr, data, size, nullptr)
                            : pmemstream_async_append(stream_, nullptr, place, nullptr, data, size, nullptr);
    if (result != 0)
        return fail("appending");
    acknowledge(wait);
    return true;
}

bool Run::reserve(std::size_t region, std::uint64_t size)
{
    if (region == SIZE_MAX)
        return false;
    const pmemstream_region place{owed_.regions[region].offset};
    const std::uint64_t room = pmemstream_region_usable_size(stream_, place);
    if (room < 16)
        return false;
    size = std::min(size, room - 16);
    pmemstream_entry entry{};
    void *data = nullptr;
    if (pmemstream_reserve(stream_, place, nullptr, size, &entry, &data) != 0)
        return fail("reserving");
    write(entry, next_id_++, size);
    reservations_.push_back({region, entry, size});
    return true;
}

// As the owner of a reservation does. The image is told of the first half, which may then become durable at any time;
// the rest is for the library to tell.
void Run::write(pmemstream_entry entry, std::uint64_t id, std::uint64_t size)
{
    const std::string bytes = data_of(id, size);
    const std::uint64_t told = size / 16 * 8;
    image_.copy(entry.offset + 16, bytes.data(), told, pms::SimulatedImage::Path::ordinary,
                pms::SimulatedImage::Site::current());
    std::memcpy(static_cast<char *>(image_.writable(entry.offset + 16, size)) + told, bytes.data() + told, size - told);
}

bool Run::publish(std::size_t index, std::uint64_t size, bool wait)
{
    if (index >= reservations_.size())
        return false;
    const Reservation reservation = reservations_[index];
    size = std::min(size, reservation.size);
    // As an entry of this id, whose first bytes are those of the reservation's own data only if they are written again.
    const std::uint64_t id = next_id_++;
    write(reservation.entry, id, size);
    const pmemstream_region place{owed_.regions[reservation.region].offset};
    submit(reservation.region, reservation.entry.offset, size, id);
    const int result = wait ? pmemstream_publish(stream_, place, nullptr, reservation.entry, size)
                            : pmemstream_async_publish(stream_, place, nullptr, reservation.entry, size);
    if (result != 0)
        return fail("publishing");
    reservations_.erase(reservations_.begin() + static_cast<std::ptrdiff_t>(index));
    acknowledge(wait);
    return true;
}

bool Run::abort(std::size_t index)
{
    if (index >= reservations_.size())
        return false;
    const Reservation reservation = reservations_[index];
    const pmemstream_region place{owed_.regions[reservation.region].offset};
    if (pmemstream_abort(stream_, place, nullptr, reservation.entry) != 0)
        return fail("aborting");
    reservations_.erase(reservations_.begin() + static_cast<std::ptrdiff_t>(index));
    acknowledge(false);
    return true;
}

bool Run::wait_for_all()
{
    if (owed_.acknowledged == owed_.last_timestamp())
        return false;
    auto future = pmemstream_async_wait_persisted(stream_, owed_.last_timestamp());
    for (int polls = 0; future_poll(FUTURE_AS_RUNNABLE(&future), nullptr) != FUTURE_STATE_COMPLETE; ++polls)
        if (polls == 1000)
            return fail("waiting does not end");
    if (FUTURE_OUTPUT(&future)->error_code != 0)
        return fail("waiting");
    acknowledge(true);
    return true;
}

bool Run::allocate()
{
    pmemstream_info info{};
    if (pmemstream_get_info(stream_, &info, sizeof info) != 0)
        return fail("looking at the stream");
    if (info.largest_free_size < region_request)
        return false;
    owed_.regions.push_back({UINT64_MAX, 0, Region::State::being_allocated});
    pmemstream_region region{};
    if (pmemstream_region_allocate(stream_, region_request, &region) != 0)
        return fail("allocating");
    owed_.regions.back() = {region.offset, pmemstream_region_size(stream_, region), Region::State::live};
    acknowledge(false);
    return true;
}

bool Run::free(std::size_t region)
{
    if (region == SIZE_MAX)
        return false;
    owed_.regions[region].state = Region::State::being_freed;
    if (pmemstream_region_free(stream_, {owed_.regions[region].offset}) != 0)
        return fail("freeing");
    owed_.regions[region].state = Region::State::gone;
    std::erase_if(reservations_, [&](const Reservation &reservation) { return reservation.region == region; });
    acknowledge(false);
    return true;
}

bool Run::fail_sync(std::size_t region)
{
    if (region == SIZE_MAX || image_.granularity() != pms::Granularity::page)
        return false;
    const pmemstream_region place{owed_.regions[region].offset};
    pmemstream_region_info info{};
    if (pmemstream_get_region_info(stream_, place, &info, sizeof info) != 0)
        return fail("looking at a region");
    if (info.usable_size < 24)
        return false;
    const std::string data = data_of(next_id_, 8);
    submit(region, info.end_offset, 8, next_id_++);
    image_.fail_sync(1);
    const int result = pmemstream_append(stream_, place, nullptr, data.data(), data.size(), nullptr);
    if (result != -1 || errno != EIO)
        return fail("an append whose sync failed");
    // Nothing more is acknowledged, nothing is written.
    image_.fail_sync(0);
    if (pmemstream_append(stream_, place, nullptr, data.data(), data.size(), nullptr) != -1 || errno != EIO)
        return fail("an append after a sync that failed");
    failed_ = true;
    return true;
}

bool Run::grow()
{
    const std::size_t size = image_.file_size() + growth_step;
    if (size > most_file_size)
        return false;
    // In place of what maps a file.
    pms::Stream *const stream = pms::api::unwrap(stream_);
    owed_.space_after_growth = owed_.space + growth_step;
    if (failed(stream->grow(size, [&](std::uint64_t) {
            image_.set_file_size(size);
            return pms::Error::none;
        })))
        return fail("growing");
    owed_.space = owed_.space_after_growth;
    acknowledge(false);
    return true;
}

bool Run::apply(Operation operation)
{
    if (failed_ && operation != Operation::close_and_open && operation != Operation::kill_and_open)
        return false;
    switch (operation) {
    case Operation::append:
        return append(oldest_region(), 8, true);
    case Operation::append_other:
        return append(newest_region(), 20, true);
    case Operation::fill: {
        const std::size_t region = oldest_region();
        const std::uint64_t room =
            region == SIZE_MAX ? 0 : pmemstream_region_usable_size(stream_, {owed_.regions[region].offset});
        return room >= 16 && append(region, room - 16, true);
    }
    case Operation::append_async:
        return append(oldest_region(), 8, false);
    case Operation::reserve:
        return reserve(newest_region(), 16);
    case Operation::publish_oldest:
        return publish(0, 16, true);
    case Operation::publish_newest:
        return publish(reservations_.size() - 1, 8, true);
    case Operation::publish_async:
        return publish(0, 16, false);
    case Operation::abort:
        return abort(0);
    case Operation::wait:
        return wait_for_all();
    case Operation::allocate:
        return allocate();
    case Operation::free:
        return free(oldest_region());
    case Operation::fail_sync:
        return fail_sync(oldest_region());
    case Operation::grow:
        return grow();
    case Operation::close_and_open:
        pmemstream_delete(&stream_);
        if (!failed_)
            owed_.acknowledged = owed_.last_timestamp();
        break;
    case Operation::kill_and_open:
        image_.kill();
        pmemstream_delete(&stream_);
        image_.revive();
        break;
    }
    reservations_.clear();
    buffers_.clear();
    failed_ = false;
    open();
    return true;
}

Start Run::close()
{
    pmemstream_delete(&stream_);
    owed_.acknowledged = owed_.last_timestamp();
    return {image_.power_cut_losing_all(), owed_, next_id_};
}

pms::SimulatedImage::Bytes empty_image()
{
    pms::SimulatedImage::Bytes bytes(image_size);
    const std::uint64_t size = file_size;
    std::memcpy(bytes.data() + most_file_size, &size, sizeof size);
    return bytes;
}

Obligations nothing_owed()
{
    Obligations owed;
    owed.space = file_size - 8192;
    owed.space_after_growth = owed.space;
    return owed;
}

Start make_start(pms::Granularity granularity)
{
    pms::SimulatedImage image(empty_image(), granularity);
    image.has_size_at(most_file_size);
    Run run(image, {{}, nothing_owed(), 0});
    // The oldest region goes, and leaves its entries behind in free space.
    for (const char operation : std::string("naanfa"))
        run.apply(static_cast<Operation>(operation));
    return run.close();
}

} // namespace explorer
