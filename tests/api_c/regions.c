/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright the pmemstream authors */

/* Allocating, freeing and listing regions. */

#include "fixture.h"

enum { block = 4096, stream_size = 256 * 1024 };

static size_t expected_size(size_t size, size_t block_size)
{
    return (size + 64 + block_size - 1) / block_size * block_size - 64;
}

static void sizes(void)
{
    static const size_t requests[] = {1, 8, 63, 64, 65, 960, 961, 4000, 4031, 4032, 4033, 8128, 8129, 20000};
    for (size_t block_size = 64; block_size <= 16384; block_size *= 4) {
        struct fixture fixture = fixture_new(stream_size, block_size);
        for (size_t i = 0; i < sizeof requests / sizeof *requests; ++i) {
            const struct pmemstream_region region = allocate(fixture.stream, requests[i]);
            const size_t size = expected_size(requests[i], block_size);
            CHECK_EQUAL(region.offset % block_size, 0);
            CHECK_EQUAL(pmemstream_region_size(fixture.stream, region), size);
            CHECK_EQUAL(pmemstream_region_usable_size(fixture.stream, region), size);
            CHECK_EQUAL(region_info_of(fixture.stream, region).size, size);
        }
        fixture_delete(&fixture);
    }
}

static void impossible_sizes(void)
{
    struct fixture fixture = fixture_new(stream_size, block);
    const struct pmemstream_region live = allocate(fixture.stream, 100);
    const struct state before = state_of(fixture.stream, live);
    struct pmemstream_region region = {7};
    CHECK_FAILS(pmemstream_region_allocate(fixture.stream, 0, &region), EINVAL);
    static const size_t large[] = {
        stream_size,     (size_t)1 << 32, ((size_t)1 << 40) - 1,  (size_t)1 << 40, SIZE_MAX,
        SIZE_MAX - 1,    SIZE_MAX - 63,   SIZE_MAX - 64,          SIZE_MAX - 65,   SIZE_MAX / 2,
        (size_t)1 << 63, (size_t)1 << 62, ((size_t)1 << 62) - 64, SIZE_MAX - 4095, SIZE_MAX - 4160,
        (size_t)1 << 48};
    for (size_t i = 0; i < sizeof large / sizeof *large; ++i)
        CHECK_FAILS(pmemstream_region_allocate(fixture.stream, large[i], &region), ENOSPC);
    CHECK_EQUAL(region.offset, 7);
    CHECK_SAME_STATE(fixture.stream, live, before);

    /* The largest one that there is room for. */
    const uint64_t largest = info_of(fixture.stream).largest_free_size;
    CHECK_FAILS(pmemstream_region_allocate(fixture.stream, (size_t)largest + 1, &region), ENOSPC);
    CHECK_EQUAL(region.offset, 7);
    CHECK_EQUAL(pmemstream_region_size(fixture.stream, allocate(fixture.stream, (size_t)largest)), largest);
    CHECK_EQUAL(info_of(fixture.stream).free_size, 0);
    CHECK_EQUAL(info_of(fixture.stream).largest_free_size, 0);
    CHECK_FAILS(pmemstream_region_allocate(fixture.stream, 1, &region), ENOSPC);
    CHECK_EQUAL(region.offset, 7);
    fixture_delete(&fixture);
}

static void last_freed_first(void)
{
    struct fixture fixture = fixture_new(stream_size, block);
    struct pmemstream_region regions[8];
    for (int i = 0; i < 8; ++i)
        regions[i] = allocate(fixture.stream, i % 2 == 0 ? 1000 : 5000);
    static const int freed[] = {4, 0, 6, 2};
    for (int i = 0; i < 4; ++i)
        CHECK_OK(pmemstream_region_free(fixture.stream, regions[freed[i]]));
    CHECK_OK(pmemstream_region_free(fixture.stream, regions[3]));
    for (int i = 3; i >= 0; --i)
        CHECK_EQUAL(allocate(fixture.stream, 1000).offset, regions[freed[i]].offset);
    CHECK_EQUAL(allocate(fixture.stream, 5000).offset, regions[3].offset);
    fixture_delete(&fixture);
}

static void adjacent_space_is_joined(void)
{
    struct fixture fixture = fixture_new(8192 + 8 * block, block);
    struct pmemstream_region regions[8];
    for (int i = 0; i < 8; ++i)
        regions[i] = allocate(fixture.stream, 100);
    struct pmemstream_region large = {7};
    CHECK_OK(pmemstream_region_free(fixture.stream, regions[2]));
    CHECK_OK(pmemstream_region_free(fixture.stream, regions[4]));
    CHECK_OK(pmemstream_region_free(fixture.stream, regions[6]));
    /* Enough in sum, but not in one piece. */
    CHECK_FAILS(pmemstream_region_allocate(fixture.stream, 2 * block, &large), ENOSPC);
    CHECK_OK(pmemstream_region_free(fixture.stream, regions[3]));
    CHECK_EQUAL(info_of(fixture.stream).largest_free_size, 3 * block - 64);
    CHECK_FAILS(pmemstream_region_allocate(fixture.stream, 3 * block, &large), ENOSPC);
    CHECK_EQUAL(large.offset, 7);
    large = allocate(fixture.stream, 3 * block - 64);
    CHECK_EQUAL(large.offset, regions[2].offset);
    append_text(fixture.stream, large, "joined");
    fixture_crash(&fixture);
    CHECK_TEXTS(fixture.stream, large, "joined");

    /* Everything, in another order than it lies in. */
    static const int others[] = {7, 0, 5, 1};
    for (int i = 0; i < 4; ++i)
        CHECK_OK(pmemstream_region_free(fixture.stream, regions[others[i]]));
    CHECK_OK(pmemstream_region_free(fixture.stream, large));
    const struct pmemstream_region all = allocate(fixture.stream, 8 * block - 64);
    CHECK_EQUAL(all.offset, regions[0].offset);
    CHECK_EQUAL(count_entries(fixture.stream, all), 0);
    fixture_delete(&fixture);
}

/* Every function that takes a region or one of its runtimes refuses. */
static void check_no_region(struct pmemstream *stream, uint64_t offset, struct pmemstream_region live)
{
    const struct pmemstream_region region = {offset};
    const struct state before = state_of(stream, live);
    struct pmemstream_region_runtime *runtime = (struct pmemstream_region_runtime *)&runtime;
    struct pmemstream_entry entry = {7};
    void *data = &data;
    CHECK_FAILS(pmemstream_region_free(stream, region), ENOENT);
    CHECK_FAILS_WITH(pmemstream_region_size(stream, region), 0, ENOENT);
    CHECK_FAILS_WITH(pmemstream_region_usable_size(stream, region), 0, ENOENT);
    CHECK_FAILS(pmemstream_region_runtime_initialize(stream, region, &runtime), ENOENT);
    CHECK(runtime == (struct pmemstream_region_runtime *)&runtime);
    CHECK_FAILS(pmemstream_reserve(stream, region, NULL, 8, &entry, &data), ENOENT);
    CHECK(data == &data);
    CHECK_FAILS(pmemstream_publish(stream, region, NULL, entry, 8), ENOENT);
    CHECK_FAILS(pmemstream_async_publish(stream, region, NULL, entry, 8), ENOENT);
    CHECK_FAILS(pmemstream_append(stream, region, NULL, "x", 1, &entry), ENOENT);
    CHECK_FAILS(pmemstream_async_append(stream, NULL, region, NULL, "x", 1, &entry), ENOENT);
    CHECK_EQUAL(entry.offset, 7);
    struct pmemstream_entry_iterator *iterator = (struct pmemstream_entry_iterator *)&iterator;
    CHECK_FAILS(pmemstream_entry_iterator_new(&iterator, stream, region), ENOENT);
    CHECK(iterator == (struct pmemstream_entry_iterator *)&iterator);
    struct pmemstream_region_info info = {.size = 7};
    CHECK_FAILS(pmemstream_get_region_info(stream, region, &info, sizeof info), ENOENT);
    CHECK_EQUAL(info.size, 7);
    CHECK_SAME_STATE(stream, live, before);
}

static void no_region_there(void)
{
    struct fixture fixture = fixture_new(stream_size, block);
    const struct pmemstream_region first = allocate(fixture.stream, 3 * block - 64);
    const struct pmemstream_region second = allocate(fixture.stream, 100);
    append_text(fixture.stream, first, "something");
    const uint64_t offsets[] = {UINT64_MAX,
                                UINT64_MAX - 63,
                                UINT64_MAX - 4095,
                                0,
                                1,
                                64,
                                4096,
                                first.offset - 64,
                                first.offset + 1,
                                first.offset + 8,
                                first.offset + 64,
                                first.offset + block,
                                second.offset - 1,
                                second.offset + block,
                                second.offset + 2 * block,
                                stream_size - block,
                                stream_size,
                                stream_size + block,
                                1ULL << 40,
                                1ULL << 62,
                                1ULL << 63,
                                second.offset | 1ULL << 63};
    for (size_t i = 0; i < sizeof offsets / sizeof *offsets; ++i)
        check_no_region(fixture.stream, offsets[i], first);
    CHECK_TEXTS(fixture.stream, first, "something");
    fixture_delete(&fixture);
}

static void check_dead(struct pmemstream *stream, struct pmemstream_region region,
                       struct pmemstream_region_runtime *runtime, struct pmemstream_entry reserved)
{
    struct pmemstream_entry entry = {7};
    void *data = &data;
    const uint64_t committed = pmemstream_committed_timestamp(stream);
    errno = 0;
    CHECK(pmemstream_append(stream, region, runtime, "x", 1, &entry) == -1);
    CHECK(errno == ENOENT || errno == EINVAL);
    CHECK(pmemstream_async_append(stream, NULL, region, runtime, "x", 1, &entry) == -1);
    CHECK(pmemstream_reserve(stream, region, runtime, 1, &entry, &data) == -1);
    CHECK(pmemstream_publish(stream, region, runtime, reserved, 1) == -1);
    CHECK(pmemstream_async_publish(stream, region, runtime, reserved, 1) == -1);
    CHECK(entry.offset == 7 && data == &data);
    CHECK_EQUAL(pmemstream_committed_timestamp(stream), committed);
}

static void check_iterator_dead(struct pmemstream_entry_iterator *iterator)
{
    CHECK_FAILS(pmemstream_entry_iterator_is_valid(iterator), ENOENT);
    CHECK_EQUAL(pmemstream_entry_iterator_get(iterator).offset, UINT64_MAX);
    pmemstream_entry_iterator_next(iterator);
    pmemstream_entry_iterator_seek_first(iterator);
    CHECK_FAILS(pmemstream_entry_iterator_is_valid(iterator), ENOENT);
    CHECK_EQUAL(pmemstream_entry_iterator_get(iterator).offset, UINT64_MAX);
    CHECK_FAILS(pmemstream_entry_iterator_skip_damage(iterator), EINVAL);
}

static void dead_after_free(void)
{
    struct fixture fixture = fixture_new(stream_size, block);
    struct pmemstream *stream = fixture.stream;
    const struct pmemstream_region live = allocate(stream, 20000);
    const struct pmemstream_region region = allocate(stream, 100);
    struct pmemstream_region_runtime *runtime;
    struct pmemstream_entry_iterator *iterator, *unsought, *at_end;
    struct pmemstream_region_iterator *regions;
    struct pmemstream_entry reserved;
    void *data;
    CHECK_OK(pmemstream_region_runtime_initialize(stream, region, &runtime));
    const struct pmemstream_entry entry = append_text(stream, region, "doomed");
    const struct pmemstream_entry second = append_text(stream, region, "doomed, too");
    CHECK_OK(pmemstream_entry_iterator_new(&at_end, stream, region));
    pmemstream_entry_iterator_seek_first(at_end);
    while (pmemstream_entry_iterator_is_valid(at_end) == 0)
        pmemstream_entry_iterator_next(at_end);
    CHECK_OK(pmemstream_reserve(stream, region, runtime, 8, &reserved, &data));
    CHECK_OK(pmemstream_entry_iterator_new(&unsought, stream, region));
    CHECK_OK(pmemstream_entry_iterator_new(&iterator, stream, region));
    pmemstream_entry_iterator_seek_first(iterator);
    CHECK_EQUAL(pmemstream_entry_iterator_get(iterator).offset, entry.offset);
    CHECK_OK(pmemstream_region_iterator_new(&regions, stream));
    pmemstream_region_iterator_seek_first(regions);
    pmemstream_region_iterator_next(regions);
    CHECK_EQUAL(pmemstream_region_iterator_get(regions).offset, region.offset);

    CHECK_OK(pmemstream_region_free(stream, region));
    const struct pmemstream_entry dead_entries[] = {entry, second, reserved};
    check_no_region(stream, region.offset, live);
    check_dead(stream, region, runtime, reserved);
    check_iterator_dead(iterator);
    check_iterator_dead(unsought);
    check_iterator_dead(at_end);
    for (int i = 0; i < 3; ++i) {
        CHECK_FAILS_WITH(pmemstream_entry_data(stream, dead_entries[i]), NULL, ENOENT);
        CHECK_FAILS_WITH(pmemstream_entry_size(stream, dead_entries[i]), 0, ENOENT);
        CHECK_FAILS_WITH(pmemstream_entry_timestamp(stream, dead_entries[i]), 0, ENOENT);
    }
    CHECK_FAILS(pmemstream_region_iterator_is_valid(regions), ENOENT);
    CHECK_EQUAL(pmemstream_region_iterator_get(regions).offset, UINT64_MAX);
    pmemstream_region_iterator_next(regions);
    CHECK_FAILS(pmemstream_region_iterator_is_valid(regions), ENOENT);

    /* The space has a new owner, in which an entry lies where the first dead one lay. */
    const struct pmemstream_region heir = allocate(stream, 100);
    CHECK_EQUAL(heir.offset, region.offset);
    for (int i = 0; i < 3; ++i)
        CHECK_FAILS_WITH(pmemstream_entry_data(stream, dead_entries[i]), NULL, ENOENT);
    CHECK_EQUAL(append(stream, heir, "", 0).offset, entry.offset);
    check_iterator_dead(iterator);
    check_iterator_dead(unsought);
    check_iterator_dead(at_end);
    CHECK_FAILS(pmemstream_region_iterator_is_valid(regions), ENOENT);
    CHECK_FAILS_WITH(pmemstream_entry_data(stream, second), NULL, ENOENT);
    CHECK_FAILS_WITH(pmemstream_entry_timestamp(stream, reserved), 0, ENOENT);
    CHECK_EQUAL(count_entries(stream, heir), 1);

    pmemstream_entry_iterator_delete(&iterator);
    pmemstream_entry_iterator_delete(&unsought);
    pmemstream_entry_iterator_delete(&at_end);
    pmemstream_region_iterator_delete(&regions);
    fixture_delete(&fixture);
}

static void check_order(struct pmemstream *stream, const struct pmemstream_region *regions, size_t count)
{
    struct pmemstream_region_iterator *iterator;
    CHECK_OK(pmemstream_region_iterator_new(&iterator, stream));
    CHECK_FAILS(pmemstream_region_iterator_is_valid(iterator), ENOENT);
    CHECK_EQUAL(pmemstream_region_iterator_get(iterator).offset, UINT64_MAX);
    pmemstream_region_iterator_next(iterator);
    CHECK_FAILS(pmemstream_region_iterator_is_valid(iterator), ENOENT);
    for (int round = 0; round < 2; ++round) {
        pmemstream_region_iterator_seek_first(iterator);
        for (size_t i = 0; i < count; ++i) {
            CHECK_OK(pmemstream_region_iterator_is_valid(iterator));
            CHECK_EQUAL(pmemstream_region_iterator_get(iterator).offset, regions[i].offset);
            CHECK_EQUAL(pmemstream_region_iterator_get(iterator).offset, regions[i].offset);
            pmemstream_region_iterator_next(iterator);
        }
        CHECK_FAILS(pmemstream_region_iterator_is_valid(iterator), ENOENT);
        CHECK_EQUAL(pmemstream_region_iterator_get(iterator).offset, UINT64_MAX);
        pmemstream_region_iterator_next(iterator);
        CHECK_FAILS(pmemstream_region_iterator_is_valid(iterator), ENOENT);
    }
    pmemstream_region_iterator_delete(&iterator);
    CHECK(iterator == NULL);
    CHECK_EQUAL(info_of(stream).region_count, count);
}

static void order_of_regions(void)
{
    struct fixture fixture = fixture_new(stream_size, block);
    check_order(fixture.stream, NULL, 0);
    struct pmemstream_region regions[6];
    for (int i = 0; i < 6; ++i)
        regions[i] = allocate(fixture.stream, 100 + (size_t)i * 3000);
    check_order(fixture.stream, regions, 6);
    CHECK_OK(pmemstream_region_free(fixture.stream, regions[1]));
    CHECK_OK(pmemstream_region_free(fixture.stream, regions[4]));
    /* By allocation, not by offset. */
    const struct pmemstream_region fifth = allocate(fixture.stream, 3100);
    CHECK(fifth.offset < regions[5].offset);
    const struct pmemstream_region after[] = {regions[0], regions[2], regions[3], regions[5], fifth};
    check_order(fixture.stream, after, 5);
    fixture_reopen(&fixture);
    check_order(fixture.stream, after, 5);
    fixture_crash(&fixture);
    check_order(fixture.stream, after, 5);
    uint64_t generation = 0;
    for (int i = 0; i < 5; ++i) {
        CHECK(region_info_of(fixture.stream, after[i]).generation > generation);
        generation = region_info_of(fixture.stream, after[i]).generation;
    }
    fixture_delete(&fixture);
}

/* What was freed does not come back, and what lies in its space is never read as entries of another region. */
static void freed_stays_freed(void)
{
    for (int crash = 0; crash < 2; ++crash) {
        struct fixture fixture = fixture_new(stream_size, block);
        const struct pmemstream_region region = allocate(fixture.stream, 3000);
        for (int i = 0; i < 20; ++i)
            append_text(fixture.stream, region, "freed with its region");
        CHECK_OK(pmemstream_region_free(fixture.stream, region));
        CHECK_FAILS(pmemstream_region_free(fixture.stream, region), ENOENT);
        (crash ? fixture_crash : fixture_reopen)(&fixture);
        check_order(fixture.stream, NULL, 0);
        CHECK_EQUAL(pmemstream_persisted_timestamp(fixture.stream), 20);
        const struct pmemstream_region heir = allocate(fixture.stream, 3000);
        CHECK_EQUAL(heir.offset, region.offset);
        CHECK_EQUAL(count_entries(fixture.stream, heir), 0);
        (crash ? fixture_crash : fixture_reopen)(&fixture);
        CHECK_EQUAL(count_entries(fixture.stream, heir), 0);
        append_text(fixture.stream, heir, "new");
        (crash ? fixture_crash : fixture_reopen)(&fixture);
        CHECK_TEXTS(fixture.stream, heir, "new");
        fixture_delete(&fixture);
    }
}

/* Entries that are under way when their region is freed. */
static void free_completes_what_is_pending(void)
{
    struct fixture fixture = fixture_new(stream_size, block);
    const struct pmemstream_region region = allocate(fixture.stream, 3000);
    const struct pmemstream_region other = allocate(fixture.stream, 3000);
    struct data_mover_threads *mover = data_mover_threads_new(1, 4, FUTURE_NOTIFIER_WAKER);
    CHECK(mover != NULL);
    for (int i = 0; i < 8; ++i)
        CHECK_OK(
            pmemstream_async_append(fixture.stream, data_mover_threads_get_vdm(mover), region, NULL, "x", 1, NULL));
    CHECK_OK(pmemstream_region_free(fixture.stream, region));
    CHECK_EQUAL(pmemstream_persisted_timestamp(fixture.stream), 8);
    append_text(fixture.stream, other, "after");
    fixture_crash(&fixture);
    CHECK_TEXTS(fixture.stream, other, "after");
    CHECK_EQUAL(pmemstream_persisted_timestamp(fixture.stream), 9);
    data_mover_threads_delete(mover);
    fixture_delete(&fixture);
}

int main(void)
{
    sizes();
    impossible_sizes();
    last_freed_first();
    adjacent_space_is_joined();
    no_region_there();
    order_of_regions();
    freed_stays_freed();
    free_completes_what_is_pending();
    dead_after_free();
    return 0;
}
