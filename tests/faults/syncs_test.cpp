// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// Each msync of the library gives EIO in turn: nothing more is acknowledged then, nothing is synced again, and the next
// open shows all that was acknowledged.

#include "disk.hpp"
#include "mover.hpp"
#include "stream_file.hpp"
#include "support/failing_syncs.hpp"
#include "torn_image.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

namespace faults {
namespace {

constexpr std::size_t stream_size = 128 * 1024;

void check_image(const FailingSyncs &program, const std::string &image)
{
    const StreamFile file(image);
    pmemstream *stream = nullptr;
    ASSERT_EQ(pmemstream_from_map(&stream, FailingSyncs::block_size, file.map()), 0) << pmemstream_errormsg();
    program.check(stream);
    pmemstream_delete(&stream);
}

// Looks at everything that may be left, with the program's stream closed.
void check_what_is_left(const FailingSyncs &program, const StreamFile &file, const Disk &disk,
                        std::uint64_t failing_sync)
{
    if (program.failed()) {
        EXPECT_EQ(disk.syncs(), failing_sync) << "a failed sync must not be tried again";
    }
    const std::uint64_t power_cuts = file.bytes().size() == stream_size ? 5 : 2;
    for (std::uint64_t seed = 0; seed < power_cuts; ++seed)
        check_image(program, disk.after_power_cut(seed));
    check_image(program, file.bytes());

    // Another process goes on with the page cache, in which pages are clean that are not on the disk. What it reports
    // survives the next power cut.
    pmemstream *stream = nullptr;
    ASSERT_EQ(pmemstream_from_map(&stream, FailingSyncs::block_size, file.map()), 0) << pmemstream_errormsg();
    program.check(stream);
    const Content reported = content_of(stream);
    const std::string cut = disk.after_power_cut(0);
    pmemstream_delete(&stream);
    const StreamFile later(cut);
    ASSERT_EQ(pmemstream_from_map(&stream, FailingSyncs::block_size, later.map()), 0) << pmemstream_errormsg();
    EXPECT_EQ(content_of(stream), reported) << "what was reported is lost";
    pmemstream_delete(&stream);
}

// Runs the program with its first sync failing, its second, and so on until there is none left to fail. Gives the
// number of syncs.
template <typename Program>
std::uint64_t with_each_sync_failing(std::size_t size, Program run)
{
    for (std::uint64_t failing_sync = 1;; ++failing_sync) {
        SCOPED_TRACE("sync " + std::to_string(failing_sync));
        const StreamFile file(size);
        Disk disk(file.map(), failing_sync);
        FailingSyncs program;
        run(program, file.map());
        const bool met = disk.syncs() >= failing_sync;
        disk.heal();
        check_what_is_left(program, file, disk, failing_sync);
        if (!met || testing::Test::HasFailure())
            return failing_sync - 1;
    }
}

TEST(Syncs, OfAProgramThatUsesEverything)
{
    const std::uint64_t syncs =
        with_each_sync_failing(stream_size, [](FailingSyncs &program, pmem2_map *map) { program.run(map); });
    EXPECT_GT(syncs, 100U);
}

// Enough is appended for checkpoints to move. The append that meets their failing sync is durable, and the next call
// tells.
TEST(Syncs, OfCheckpoints)
{
    const std::uint64_t syncs = with_each_sync_failing(10 << 20, [](FailingSyncs &program, pmem2_map *map) {
        program.open(map);
        if (program.stream() == nullptr)
            return;
        const pmemstream_region region = program.allocate(9 << 20);
        std::uint64_t checkpoint = UINT64_MAX;
        for (int i = 0; i < 10 && !program.failed(); ++i) {
            program.append(region, 900000);
            pmemstream_region_info info{};
            if (pmemstream_get_region_info(program.stream(), region, &info, sizeof info) == 0)
                checkpoint = info.checkpoint_offset;
        }
        program.append(region);
        if (!program.failed()) {
            EXPECT_NE(checkpoint, UINT64_MAX);
        }
        program.close();
    });
    EXPECT_GT(syncs, 20U);
}

// Of a recovery that drops entries in front of ones it keeps.
TEST(Syncs, OfARecovery)
{
    const TornImage torn = torn_image(stream_size);
    std::uint64_t failures = 0;
    for (bool failed = true; failed;) {
        SCOPED_TRACE("sync " + std::to_string(failures + 1));
        const StreamFile file(torn.bytes);
        const Disk disk(file.map(), failures + 1);
        pmemstream *stream = nullptr;
        failed = pmemstream_from_map(&stream, torn_block_size, file.map()) != 0;
        if (failed) {
            ++failures;
            EXPECT_EQ(errno, EIO) << pmemstream_errormsg();
            EXPECT_EQ(stream, nullptr);
            EXPECT_EQ(disk.syncs(), failures) << "a failed sync must not be tried again";
        } else {
            EXPECT_EQ(disk.syncs(), failures) << "nobody was told of a failed sync";
            EXPECT_EQ(info_of(stream).dropped_entries, TornImage::dropped);
        }
        std::vector<std::string> left = {file.bytes()};
        for (std::uint64_t seed = 0; seed < 5; ++seed)
            left.push_back(disk.after_power_cut(seed));
        pmemstream_delete(&stream);
        for (const std::string &bytes : left) {
            const StreamFile after(bytes);
            ASSERT_EQ(pmemstream_from_map(&stream, torn_block_size, after.map()), 0) << pmemstream_errormsg();
            EXPECT_EQ(content_of(stream), torn.content);
            EXPECT_EQ(damages_of(stream), 0U);
            pmemstream_delete(&stream);
        }
        ASSERT_FALSE(HasFailure());
    }
    EXPECT_GT(failures, 5U);
}

// An append waits for another's copy, which is never finished, when the medium fails in a third call: it is told.
TEST(Syncs, WhoWaitsForACopyIsToldOfAFailure)
{
    const StreamFile file(stream_size);
    const std::string data = "held";
    GatedMover held(1, 4, FUTURE_NOTIFIER_WAKER);
    pmemstream *stream = nullptr;
    ASSERT_EQ(pmemstream_from_map(&stream, FailingSyncs::block_size, file.map()), 0);
    pmemstream_region region{};
    ASSERT_EQ(pmemstream_region_allocate(stream, 10000, &region), 0);
    ASSERT_EQ(pmemstream_append(stream, region, nullptr, "first", 5, nullptr), 0);
    const auto end = [&] {
        pmemstream_region_info info{};
        EXPECT_EQ(pmemstream_get_region_info(stream, region, &info, sizeof info), 0);
        return info.end_offset;
    };
    ASSERT_EQ(pmemstream_async_append(stream, held.vdm(), region, nullptr, data.data(), data.size(), nullptr), 0);
    const std::uint64_t before = end();
    const Disk disk(file.map(), 1);
    std::thread waiting([&] {
        EXPECT_EQ(pmemstream_append(stream, region, nullptr, "waits", 5, nullptr), -1);
        EXPECT_EQ(errno, EIO);
    });
    while (end() == before)
        sched_yield();
    pmemstream_region other{};
    EXPECT_EQ(pmemstream_region_allocate(stream, 1000, &other), -1);
    EXPECT_EQ(errno, EIO);
    waiting.join();
    EXPECT_EQ(disk.syncs(), 1U);
    held.gate.open();
    pmemstream_delete(&stream);
    EXPECT_EQ(disk.syncs(), 1U);
}

// One sync serves all who wait for it; when it fails all are told, and nobody is left waiting.
TEST(Syncs, OfSeveralThreads)
{
    constexpr int threads = 4;
    constexpr int rounds = 40;
    for (std::uint64_t failing_sync = 5; failing_sync < 80; failing_sync += 3) {
        SCOPED_TRACE("sync " + std::to_string(failing_sync));
        const StreamFile file(stream_size);
        const Disk disk(file.map(), failing_sync);
        FailingSyncs all;
        all.open(file.map());
        if (all.stream() != nullptr) {
            std::vector<pmemstream_region> regions;
            for (int i = 0; i < threads; ++i)
                regions.push_back(all.allocate(16000));
            std::vector<std::unique_ptr<FailingSyncs>> programs;
            std::vector<std::thread> running;
            for (int i = 0; i < threads; ++i) {
                programs.push_back(std::make_unique<FailingSyncs>("thread " + std::to_string(i) + " entry "));
                programs.back()->share(all.stream());
                // Half of them in a region of their own.
                running.emplace_back([&program = *programs.back(), region = regions[i % 2 == 0 ? 0 : i]] {
                    for (int round = 0; round < rounds && !program.failed(); ++round) {
                        program.async_append(region);
                        program.wait();
                        program.append(region);
                        program.async_append(region);
                    }
                    program.wait();
                });
            }
            for (std::thread &thread : running)
                thread.join();
            for (const auto &program : programs)
                all.add(*program);
            EXPECT_EQ(all.failed(), disk.syncs() == failing_sync);
            all.append(regions[0]);
            all.close();
        }
        check_what_is_left(all, file, disk, failing_sync);
        ASSERT_FALSE(HasFailure());
    }
}

// A call that comes to its own sync while another's is failing must not make it: Linux would tell it of no error.
TEST(Syncs, NoneFollowsOneThatFailsMeanwhile)
{
    const StreamFile file(stream_size);
    FailingSyncs program;
    program.open(file.map());
    const pmemstream_region region = program.allocate(1000);
    program.append(region);
    Disk disk(file.map(), 1);
    std::thread other;
    disk.when_failing([&] {
        std::atomic<bool> began = false;
        other = std::thread([&] {
            pmemstream_region second{};
            began = true;
            EXPECT_EQ(pmemstream_region_allocate(program.stream(), 1000, &second), -1);
            EXPECT_EQ(errno, EIO);
        });
        while (!began)
            sched_yield();
        let_others_run();
    });
    program.append(region);
    other.join();
    EXPECT_TRUE(program.failed());
    program.close();
    check_what_is_left(program, file, disk, 1);
}

} // namespace
} // namespace faults
