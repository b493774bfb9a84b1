// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// Every allocation of every function fails in turn, alone and together with all that follow. The call succeeds, or
// gives ENOMEM and changes nothing; the stream goes on; nothing that was acknowledged is lost, and nothing leaks.

#include "allocation_faults.hpp"
#include "directory.hpp"
#include "mover.hpp"
#include "resources.hpp"
#include "session.hpp"
#include "stream_file.hpp"
#include "support/content.hpp"
#include "torn_image.hpp"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <fts.h>
#include <string>

// libpmem2 calls it, and glibc 2.36 does not look whether it has the memory for it.
extern "C" FTS *fts_open(char *const *paths, int options, int (*compare)(const FTSENT **, const FTSENT **))
{
    return AllocationFaults::spare([&] {
        const auto hidden = reinterpret_cast<decltype(&fts_open)>(dlsym(RTLD_NEXT, "fts_open"));
        return hidden(paths, options, compare);
    });
}

namespace faults {
namespace {

constexpr std::size_t stream_size = 256 * 1024;

// Runs the scenario with its first allocation failing, its second, and so on until there is none left to fail.
template <typename Scenario>
void with_each_allocation_failing(Scenario scenario)
{
    if (!AllocationFaults::in_use())
        GTEST_SKIP() << "the functions of this program are not in use";
    for (const bool and_all_after : {false, true}) {
        bool met = true;
        for (long n = 1; met; ++n) {
            SCOPED_TRACE((and_all_after ? "from allocation " : "allocation ") + std::to_string(n));
            // Twice: what is made once, and kept for the next, is no leak.
            long live = 0;
            Resources resources;
            for (int turn = 0; turn < 2; ++turn) {
                live = AllocationFaults::live_blocks();
                resources = Resources::now();
                AllocationFaults faults(n, and_all_after);
                scenario(faults);
                met = faults.met();
            }
            EXPECT_EQ(AllocationFaults::live_blocks(), live) << "memory leaked";
            EXPECT_EQ(Resources::now(), resources);
            ASSERT_FALSE(testing::Test::HasFailure());
            ASSERT_LT(n, 10000) << "there is no end";
        }
    }
}

void check_no_memory(int result)
{
    EXPECT_EQ(result, -1);
    EXPECT_EQ(errno, ENOMEM) << pmemstream_errormsg();
    EXPECT_NE(std::string(pmemstream_errormsg()).find("memory"), std::string::npos) << pmemstream_errormsg();
}

// First, since it also meets what the first stream of a process makes for all that follow.
TEST(Allocations, MakingAStreamInAMap)
{
    with_each_allocation_failing([](AllocationFaults &faults) {
        StreamFile file(stream_size);
        pmemstream *stream = nullptr;
        const auto open = [&] { return pmemstream_from_map(&stream, block_size, file.map()); };
        if (const int result = faults.run(open); result != 0) {
            check_no_memory(result);
            EXPECT_EQ(stream, nullptr);
            EXPECT_TRUE(file.bytes() == std::string(stream_size, '\0')) << "the map is not as it was";
            ASSERT_EQ(open(), 0) << pmemstream_errormsg();
        }
        EXPECT_TRUE(content_of(stream).empty());
        EXPECT_EQ(damages_of(stream), 0U);
        pmemstream_delete(&stream);
    });
}

TEST(Allocations, CreatingAndOpeningByPath)
{
    with_each_allocation_failing([](AllocationFaults &faults) {
        const Directory directory;
        const std::string path = directory.path() + "/stream";
        pmemstream *stream = nullptr;
        pmemstream_options options = PMEMSTREAM_OPTIONS_INIT;
        options.size = stream_size;
        const auto create = [&] { return pmemstream_create(path.c_str(), &options, &stream); };
        if (const int result = faults.run(create); result != 0) {
            check_no_memory(result);
            EXPECT_EQ(stream, nullptr);
            EXPECT_TRUE(directory.empty()) << "a file was left behind";
            ASSERT_EQ(create(), 0) << pmemstream_errormsg();
        }
        pmemstream_region region{};
        ASSERT_EQ(pmemstream_region_allocate(stream, 1000, &region), 0);
        ASSERT_EQ(pmemstream_append(stream, region, nullptr, "here", 4, nullptr), 0);
        faults.run([&] { pmemstream_delete(&stream); });

        for (const int read_only : {0, 1}) {
            options.read_only = read_only;
            const auto open = [&] { return pmemstream_open(path.c_str(), &options, &stream); };
            if (const int result = faults.run(open); result != 0) {
                check_no_memory(result);
                EXPECT_EQ(stream, nullptr);
                ASSERT_EQ(open(), 0) << pmemstream_errormsg();
            }
            EXPECT_EQ(content_of(stream), (Content{{1, {region.offset, "here"}}}));
            faults.run([&] { pmemstream_delete(&stream); });
        }
    });
}

TEST(Allocations, Regions)
{
    with_each_allocation_failing([](AllocationFaults &faults) {
        StreamFile file(stream_size);
        Session session(faults, file);
        // Of several sizes, with gaps to be used again, and one that only fits when its neighbours were joined.
        std::vector<pmemstream_region> regions;
        for (const std::size_t size : {1000U, 2000U, 1000U, 4000U})
            if (const auto region = session.allocate(size)) {
                regions.push_back(*region);
                session.append(*region, "first");
                pmemstream_region_runtime *runtime = nullptr;
                EXPECT_TRUE(session.succeeds([&] {
                    return pmemstream_region_runtime_initialize(session.stream(), *region, &runtime);
                })) << "a look-up needs no memory";
                EXPECT_GE(pmemstream_region_size(session.stream(), *region), size);
            }
        while (regions.size() > 1 && session.free(regions.front()))
            regions.erase(regions.begin());
        const auto rest = info_of(session.stream()).free_size;
        session.allocate(rest / 2);
        session.allocate(1000);
        session.allocate(2000);
        session.finish();
    });
}

TEST(Allocations, RegionsUsedAgain)
{
    with_each_allocation_failing([](AllocationFaults &faults) {
        StreamFile file(stream_size);
        Session session(faults, file);
        // Beyond the number of region objects that are kept from use, and up to where their queue needs memory.
        for (int i = 0; i < 319; ++i) {
            pmemstream_region region{};
            ASSERT_EQ(pmemstream_region_allocate(session.stream(), 100, &region), 0);
            ASSERT_EQ(pmemstream_region_free(session.stream(), region), 0);
        }
        for (int i = 0; i < 3; ++i)
            if (const auto region = session.allocate(100)) {
                session.append(*region, "again");
                session.free(*region);
            }
        session.finish();
    });
}

TEST(Allocations, Appending)
{
    with_each_allocation_failing([](AllocationFaults &faults) {
        StreamFile file(stream_size);
        Session session(faults, file);
        const auto region = session.allocate(50000);
        const auto other = session.allocate(50000);
        if (region && other)
            for (int i = 0; i < 30; ++i) {
                session.append(*region, std::string(i * 7, 'a'));
                session.async_append(*other, nullptr, std::string(i * 11, 'b'));
                if (i % 10 == 0)
                    session.append(*other, std::string(3000, 'c'));
            }
        session.finish();
    });
}

TEST(Allocations, ReservingAndPublishing)
{
    with_each_allocation_failing([](AllocationFaults &faults) {
        StreamFile file(stream_size);
        Session session(faults, file);
        const auto region = session.allocate(50000);
        std::vector<pmemstream_entry> entries;
        for (int i = 0; region && i < 40; ++i) {
            if (const auto entry = session.reserve(*region, 100))
                entries.push_back(*entry);
            if (i % 10 == 5)
                session.append(*region, "behind it");
        }
        // From both ends. The last one stays open: what lies behind an open one is not shown.
        for (std::size_t i = 0; i + 1 < entries.size(); ++i) {
            const std::size_t place = i % 2 == 0 ? i / 2 : entries.size() - 2 - i / 2;
            session.publish(*region, entries[place], std::string(40 + i, 'p'), i % 3 == 0);
        }
        session.finish();
    });
}

TEST(Allocations, CopyingByMovers)
{
    with_each_allocation_failing([](AllocationFaults &faults) {
        StreamFile file(stream_size);
        const std::string data(1000, 'd');
        GatedMover held(1, 4, FUTURE_NOTIFIER_WAKER);
        const SyncMover sync(data_mover_sync_new());
        Session session(faults, file);
        if (const auto region = session.allocate(50000))
            for (int i = 0; i < 8; ++i) {
                session.async_append(*region, held.vdm(), data);
                session.async_append(*region, data_mover_sync_get_vdm(sync.get()), data);
            }
        held.gate.open();
        session.finish();
    });
}

// One future, polled with a notifier of each kind while its entry is still being copied.
TEST(Allocations, Waiting)
{
    with_each_allocation_failing([](AllocationFaults &faults) {
        StreamFile file(stream_size);
        const std::string data(1000, 'd');
        std::atomic<int> woken = 0;
        GatedMover held(1, 4, FUTURE_NOTIFIER_WAKER);
        Session session(faults, file);
        const auto region = session.allocate(50000);
        if (region && session.async_append(*region, held.vdm(), data)) {
            constexpr std::size_t count = 4;
            std::array<pmemstream_async_wait_fut, count> waits;
            std::array<future_notifier, count> notifiers{};
            for (std::size_t i = 0; i < count; ++i) {
                waits[i] = i < 2 ? pmemstream_async_wait_committed(session.stream(), 1)
                                 : pmemstream_async_wait_persisted(session.stream(), 1);
                if (i % 2 == 0)
                    notifiers[i].waker = {&woken, [](void *count) { ++*static_cast<std::atomic<int> *>(count); }};
                static_cast<void>(
                    faults.run([&] { return future_poll(FUTURE_AS_RUNNABLE(&waits[i]), &notifiers[i]); }));
            }
            // What could not be watched said so: its owner polls.
            int expected = 0;
            for (const future_notifier &notifier : notifiers)
                expected += notifier.notifier_used == FUTURE_NOTIFIER_WAKER;
            held.gate.open();
            for (std::size_t i = 0; i < count; ++i) {
                if (notifiers[i].notifier_used == FUTURE_NOTIFIER_POLLER) {
                    while (__atomic_load_n(notifiers[i].poller.ptr_to_monitor, __ATOMIC_ACQUIRE) == 0) {
                    }
                }
                FUTURE_BUSY_POLL(&waits[i]);
                EXPECT_EQ(waits[i].output.error_code, 0);
            }
            EXPECT_LE(woken, expected);
        }
        held.gate.open();
        session.finish();
    });
}

TEST(Allocations, LookingAtEntries)
{
    with_each_allocation_failing([](AllocationFaults &faults) {
        StreamFile file(stream_size);
        Session session(faults, file);
        const auto region = session.allocate(1000);
        if (!region || !session.append(*region, "one") || !session.append(*region, "two"))
            return;
        pmemstream *stream = session.stream();
        pmemstream_region_iterator *regions = nullptr;
        if (session.succeeds([&] { return pmemstream_region_iterator_new(&regions, stream); })) {
            faults.run([&] {
                pmemstream_region_iterator_seek_first(regions);
                EXPECT_EQ(pmemstream_region_iterator_get(regions).offset, region->offset);
                pmemstream_region_iterator_next(regions);
            });
            EXPECT_EQ(pmemstream_region_iterator_is_valid(regions), -1);
        }
        pmemstream_region_iterator_delete(&regions);

        pmemstream_entry_iterator *entries = nullptr;
        if (session.succeeds([&] { return pmemstream_entry_iterator_new(&entries, stream, *region); })) {
            const int seen = faults.run([&] {
                int count = 0;
                pmemstream_entry_iterator_seek_first(entries);
                for (; pmemstream_entry_iterator_is_valid(entries) == 0; pmemstream_entry_iterator_next(entries)) {
                    const pmemstream_entry entry = pmemstream_entry_iterator_get(entries);
                    count += pmemstream_entry_size(stream, entry) == 3 &&
                             pmemstream_entry_timestamp(stream, entry) != 0 &&
                             pmemstream_entry_data(stream, entry) != nullptr;
                }
                return count;
            });
            EXPECT_EQ(seen, 2) << "looking needs no memory";
        }
        pmemstream_entry_iterator_delete(&entries);

        pmemstream_verify_result result{};
        if (session.succeeds([&] { return pmemstream_verify(stream, nullptr, nullptr, &result); })) {
            EXPECT_EQ(result.entries, 2U);
        }
        session.finish();
    });
}

TEST(Allocations, Recovering)
{
    const TornImage torn = torn_image(stream_size);
    with_each_allocation_failing([&](AllocationFaults &faults) {
        StreamFile file(torn.bytes);
        Session session(faults, file, torn.content);
        EXPECT_EQ(content_of(session.stream()), torn.content);
        EXPECT_EQ(info_of(session.stream()).dropped_entries, TornImage::dropped)
            << "also if the first try to open failed";
        session.append(regions_of(session.stream())[1], "goes on");
        session.finish();
    });
}

TEST(Allocations, RecoveringInMemory)
{
    const TornImage torn = torn_image(stream_size);
    with_each_allocation_failing([&](AllocationFaults &faults) {
        const StreamFile file(torn.bytes);
        pmemstream_options options = PMEMSTREAM_OPTIONS_INIT;
        options.read_only = 1;
        pmemstream *stream = nullptr;
        const std::string path = file.path();
        const auto open = [&] { return pmemstream_open(path.c_str(), &options, &stream); };
        if (const int result = faults.run(open); result != 0) {
            check_no_memory(result);
            EXPECT_EQ(stream, nullptr);
            ASSERT_EQ(open(), 0) << pmemstream_errormsg();
        }
        EXPECT_EQ(content_of(stream), torn.content);
        EXPECT_EQ(info_of(stream).dropped_entries, TornImage::dropped);
        pmemstream_delete(&stream);
        EXPECT_TRUE(file.bytes() == torn.bytes) << "something was written";
    });
}

TEST(Allocations, Damage)
{
    StreamFile whole(stream_size);
    pmemstream *made = nullptr;
    pmemstream_region regions[2];
    pmemstream_entry damaged{};
    ASSERT_EQ(pmemstream_from_map(&made, block_size, whole.map()), 0);
    for (pmemstream_region &region : regions)
        ASSERT_EQ(pmemstream_region_allocate(made, 20000, &region), 0);
    for (const char *text : {"before", "damaged", "behind"})
        ASSERT_EQ(
            pmemstream_append(made, regions[0], nullptr, text, std::strlen(text), *text == 'd' ? &damaged : nullptr),
            0);
    pmemstream_delete(&made);
    std::string bytes = whole.bytes();
    bytes[damaged.offset] ^= 1;    // an entry's header
    bytes[regions[1].offset] ^= 1; // a span's word

    with_each_allocation_failing([&](AllocationFaults &faults) {
        const StreamFile file(bytes);
        const std::string path = file.path();
        pmemstream *stream = nullptr;
        pmemstream_options options = PMEMSTREAM_OPTIONS_INIT;
        EXPECT_EQ(faults.run([&] { return pmemstream_open(path.c_str(), &options, &stream); }), -1);
        EXPECT_TRUE(errno == EUCLEAN || errno == ENOMEM) << pmemstream_errormsg();
        options.read_only = 1;
        const auto open = [&] { return pmemstream_open(path.c_str(), &options, &stream); };
        if (const int result = faults.run(open); result != 0) {
            check_no_memory(result);
            ASSERT_EQ(open(), 0) << pmemstream_errormsg();
        }
        std::array<int, 2> damages{};
        const auto count = [](const pmemstream_damage *, void *arg) { return ++*static_cast<int *>(arg), 0; };
        if (const int result = faults.run([&] { return pmemstream_verify(stream, count, &damages[0], nullptr); });
            result != 0)
            check_no_memory(result);
        EXPECT_EQ(pmemstream_verify(stream, count, &damages[1], nullptr), 0);
        EXPECT_LE(damages[0], damages[1]);
        EXPECT_GE(damages[1], 2);

        pmemstream_entry_iterator *entries = nullptr;
        ASSERT_EQ(pmemstream_entry_iterator_new(&entries, stream, regions[0]), 0);
        const bool skipped = faults.run([&] {
            pmemstream_entry_iterator_seek_first(entries);
            pmemstream_entry_iterator_next(entries);
            return pmemstream_entry_iterator_is_valid(entries) == -1 &&
                   pmemstream_entry_iterator_skip_damage(entries) == 0 &&
                   pmemstream_entry_iterator_is_valid(entries) == 0;
        });
        EXPECT_TRUE(skipped);
        pmemstream_entry_iterator_delete(&entries);
        pmemstream_delete(&stream);
        EXPECT_TRUE(file.bytes() == bytes) << "something was written";
    });
}

} // namespace
} // namespace faults
