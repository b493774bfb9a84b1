// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// Growing a stream, with crashes at every fence, and with refusals. A file's size stands in a word of its image.

#include "support/crash_points.hpp"
#include "support/sim_stream.hpp"

#include "api/api.hpp"
#include "format/layout.hpp"

#include <cstring>

namespace pms {
namespace {

constexpr std::uint64_t old_size = 16 * 1024;
constexpr std::uint64_t new_size = 20 * 1024 + 40; // its last 40 bytes are no block
constexpr std::uint64_t blocks = 4 * 1024;         // that are added
constexpr std::uint64_t most_size = 32 * 1024;

SimulatedImage::Bytes empty_file()
{
    SimulatedImage::Bytes bytes(most_size + 512);
    std::memcpy(bytes.data() + most_size, &old_size, sizeof old_size);
    return bytes;
}

class File : public SimulatedImage {
public:
    File(const Bytes &content, Granularity granularity) : SimulatedImage(content, granularity)
    {
        has_size_at(most_size);
    }
};

Error grow(SimStream &stream, File &file, std::uint64_t size)
{
    return api::unwrap(stream.get())->grow(size, [&](std::uint64_t) {
        if (size > file.file_size())
            file.set_file_size(size);
        return Error::none;
    });
}

class Growing : public testing::TestWithParam<Granularity> {};
INSTANTIATE_TEST_SUITE_P(Media, Growing, testing::ValuesIn(all_granularities),
                         [](const auto &info) { return to_string(info.param); });

TEST_P(Growing, AddsFreeSpaceBehindTheOthers)
{
    File file(empty_file(), GetParam());
    SimStream stream(file);
    const auto first = stream.allocate(stream.info().largest_free_size);
    const auto entry = stream.append(first, "there before");
    EXPECT_EQ(stream.info().free_size, 0U);
    ASSERT_EQ(grow(stream, file, new_size), Error::none);
    EXPECT_EQ(stream.info().size, new_size);
    EXPECT_EQ(stream.info().free_size, blocks);
    const auto second = stream.allocate(blocks - 64);
    EXPECT_EQ(second.offset, old_size);
    stream.append(second, "in the new space");
    EXPECT_EQ(stream.data(entry), "there before");
    stream.close();

    SimStream reopened(file);
    EXPECT_TRUE(reopened.info().was_clean);
    EXPECT_EQ(reopened.info().size, new_size);
    EXPECT_EQ(reopened.content(), (Content{{1, "there before"}, {2, "in the new space"}}));
    EXPECT_TRUE(reopened.damages().empty());
}

TEST_P(Growing, JoinsWhatWasFreeAtTheEnd)
{
    File file(empty_file(), GetParam());
    SimStream stream(file);
    ASSERT_EQ(grow(stream, file, new_size), Error::none);
    stream.allocate(old_size - 8192 + blocks - 64);
    EXPECT_EQ(stream.info().free_size, 0U);
}

TEST_P(Growing, HasOneSizeOrTheOtherAfterACrash)
{
    File file(empty_file(), GetParam());
    SimStream stream(file);
    const auto region = stream.allocate(1000);
    stream.append(region, "acknowledged");
    CrashPoints crashes(file, 20, 5);
    ASSERT_EQ(grow(stream, file, new_size), Error::none);
    const auto added = stream.allocate(3000);
    stream.append(added, "in the new space");
    stream.abandon();
    bool saw_old = false;
    bool saw_new = false;
    for (const CrashState &state : crashes.states) {
        SCOPED_TRACE(state.how);
        File after(state.bytes, GetParam());
        SimStream recovered(after);
        ASSERT_NE(recovered.get(), nullptr);
        const pmemstream_info info = recovered.info();
        EXPECT_EQ(info.damage_count, 0U);
        EXPECT_TRUE(info.size == old_size || info.size == new_size) << info.size;
        (info.size == old_size ? saw_old : saw_new) = true;
        EXPECT_EQ(recovered.entries(region), std::vector<std::string>{"acknowledged"});
        // It can go on growing, also where it was cut short.
        EXPECT_EQ(grow(recovered, after, new_size + 4096), Error::none);
        EXPECT_EQ(recovered.info().size, new_size + 4096);
        recovered.close();
        SimStream reopened(after);
        EXPECT_TRUE(reopened.info().was_clean);
        EXPECT_EQ(reopened.info().size, new_size + 4096);
        EXPECT_TRUE(reopened.damages().empty());
    }
    EXPECT_TRUE(saw_old && saw_new);
}

// A crash between the copies of the size leaves them different: the next open makes them the same, since the newer one
// may be damaged later.
TEST_P(Growing, BothCopiesOfTheSizeAreRightAfterARecovery)
{
    File file(empty_file(), GetParam());
    SimStream stream(file);
    CrashPoints crashes(file, 20, 6);
    ASSERT_EQ(grow(stream, file, new_size), Error::none);
    stream.abandon();
    for (const CrashState &state : crashes.states)
        for (int copy = 0; copy < format::copies; ++copy) {
            SCOPED_TRACE(state.how);
            File after(state.bytes, GetParam());
            SimStream recovered(after);
            const std::uint64_t size = recovered.info().size;
            recovered.abandon();
            SimulatedImage::Bytes damaged = after.power_cut_losing_all();
            damaged[format::stream_size_offset(copy)] ^= std::byte{1};
            File again(damaged, GetParam());
            SimStream reopened(again);
            ASSERT_NE(reopened.get(), nullptr);
            EXPECT_EQ(reopened.info().size, size);
            EXPECT_EQ(reopened.info().damage_count, 1U);
        }
}

TEST_P(Growing, DamageToBothCopiesOfTheSizeIsRefused)
{
    File file(empty_file(), GetParam());
    {
        SimStream stream(file);
        ASSERT_EQ(grow(stream, file, new_size), Error::none);
    }
    SimulatedImage::Bytes damaged = file.killed();
    for (int copy = 0; copy < format::copies; ++copy)
        damaged[format::stream_size_offset(copy)] ^= std::byte{1};
    File again(damaged, GetParam());
    pmemstream *stream = nullptr;
    EXPECT_EQ(pmemstream_from_map(&stream, 64, again.map()), -1);
    EXPECT_EQ(errno, EUCLEAN);
    EXPECT_EQ(again.killed(), damaged);
}

TEST_P(Growing, WhatCannotBeIsRefusedAndChangesNothing)
{
    File file(empty_file(), GetParam());
    SimStream stream(file);
    const auto refused = [&](std::uint64_t size, Error why) {
        const SimulatedImage::Bytes before = file.killed();
        EXPECT_EQ(grow(stream, file, size), why) << size;
        EXPECT_EQ(file.killed(), before) << size;
    };
    refused(old_size, Error::none);
    refused(old_size - 1, Error::cannot_shrink);
    refused(0, Error::cannot_shrink);
    refused(std::uint64_t{1} << 48, Error::map_too_large);
    refused(UINT64_MAX, Error::map_too_large);
}

TEST_P(Growing, WhatTheDiskRefusesLeavesAStreamThatOpens)
{
    // With the file as long as before, and longer: it could not be cut off again.
    for (const bool longer : {false, true}) {
        SCOPED_TRACE(longer);
        File file(empty_file(), GetParam());
        SimStream stream(file);
        const auto region = stream.allocate(960);
        const auto refuse = [&](std::uint64_t) {
            if (longer)
                file.set_file_size(new_size);
            return Error::system;
        };
        const auto throws = [](std::uint64_t) -> Error { throw std::bad_alloc(); };
        auto *const grown = api::unwrap(stream.get());
        EXPECT_EQ(grown->grow(new_size, refuse), Error::system);
        EXPECT_EQ(grown->grow(new_size, throws), Error::out_of_memory);
        EXPECT_EQ(stream.info().size, old_size);
        EXPECT_EQ(stream.info().free_size, old_size - 8192 - 1024);
        stream.append(region, "goes on");
        stream.close();
        SimStream reopened(file);
        ASSERT_NE(reopened.get(), nullptr);
        EXPECT_EQ(reopened.info().size, old_size);
        EXPECT_EQ(reopened.content(), (Content{{1, "goes on"}}));
        EXPECT_EQ(grow(reopened, file, new_size), Error::none);
    }
    // A file that becomes longer for another reason is refused.
    File file(empty_file(), GetParam());
    SimStream(file).close();
    file.set_file_size(new_size);
    pmemstream *opened = nullptr;
    EXPECT_EQ(pmemstream_from_map(&opened, 64, file.map()), -1);
    EXPECT_EQ(errno, EFBIG);
}

// The file is longer than its stream then: whatever follows must not tell that it may not be.
TEST_P(Growing, GoesOnAnywhereAfterItWasCutShort)
{
    const std::uint64_t longest = new_size + 8192;
    for (const std::uint64_t next : {new_size, longest, longest + 1000}) {
        SCOPED_TRACE(next);
        File file(empty_file(), GetParam());
        {
            SimStream stream(file);
            // The process ends when the file has its length.
            const auto die = [&](std::uint64_t) {
                file.set_file_size(longest);
                file.kill();
                return Error::system;
            };
            EXPECT_EQ(api::unwrap(stream.get())->grow(longest, die), Error::system);
        }
        file.revive();
        ASSERT_EQ(file.file_size(), longest);
        {
            SimStream stream(file);
            EXPECT_EQ(stream.info().size, old_size);
            EXPECT_EQ(grow(stream, file, next), Error::none);
            EXPECT_EQ(stream.info().size, next);
        }
        SimStream stream(file);
        ASSERT_NE(stream.get(), nullptr);
        EXPECT_EQ(stream.info().size, next);
        EXPECT_EQ(stream.info().damage_count, 0U);
    }
}

// Damage to what was written since the stream was opened is found by verifying, and what a recovery mended is not.
TEST_P(Growing, VerifyLooksAtWhatIsThere)
{
    File file(empty_file(), GetParam());
    SimStream stream(file);
    ASSERT_EQ(grow(stream, file, new_size), Error::none);
    EXPECT_TRUE(stream.damages().empty());
    stream.abandon();
    SimulatedImage::Bytes damaged = file.power_cut_losing_all();
    for (const std::uint64_t offset : {format::stream_size_offset(1), format::growth_offset})
        damaged[offset] ^= std::byte{1};
    File again(damaged, GetParam());
    SimStream mended(again);
    EXPECT_EQ(mended.info().damage_count, 2U);
    EXPECT_TRUE(mended.damages().empty());
    const std::uint64_t flipped = again.load(format::stream_size_offset(0)) ^ 1;
    again.store(format::stream_size_offset(0), flipped, SimulatedImage::Site::current());
    EXPECT_EQ(mended.damages().size(), 1U);
}

// A reader's view ends where the stream ended when it was opened. What a writer has joined across that is no damage.
TEST_P(Growing, AReaderIsNotMisled)
{
    File file(empty_file(), GetParam());
    SimStream stream(file);
    const auto region = stream.allocate(1000);
    stream.append(region, "there");
    std::unique_ptr<Stream> opened;
    ASSERT_EQ(Stream::open(Medium(file), 0, Stream::IfEmpty::refuse, {.read_only = true}, opened), Error::none);
    SimStream reader(file, api::wrap(opened.release()));
    ASSERT_EQ(grow(stream, file, new_size), Error::none);
    stream.allocate(stream.info().largest_free_size);
    EXPECT_TRUE(reader.damages().empty());
    EXPECT_EQ(reader.content(), (Content{{1, "there"}}));
    EXPECT_TRUE(stream.damages().empty());
}

TEST(GrowingOnPages, ASyncThatFailsClosesTheStream)
{
    for (std::uint64_t failing = 1;; ++failing) {
        SCOPED_TRACE(failing);
        File file(empty_file(), Granularity::page);
        SimStream stream(file);
        const auto region = stream.allocate(1000);
        stream.append(region, "acknowledged");
        file.fail_sync(failing);
        const Error error = grow(stream, file, new_size);
        if (!failed(error)) {
            EXPECT_GT(failing, 4U) << "where is the sync of the file's size?";
            return;
        }
        EXPECT_EQ(error, Error::medium_failed);
        EXPECT_EQ(pmemstream_append(stream.get(), region, nullptr, "x", 1, nullptr), -1);
        EXPECT_EQ(errno, EIO);
        stream.abandon();
        File after(file.power_cut_losing_all(), Granularity::page);
        SimStream recovered(after);
        ASSERT_NE(recovered.get(), nullptr);
        EXPECT_TRUE(recovered.info().size == old_size || recovered.info().size == new_size);
        EXPECT_EQ(recovered.content(), (Content{{1, "acknowledged"}}));
        EXPECT_EQ(recovered.info().damage_count, 0U);
    }
}

} // namespace
} // namespace pms
