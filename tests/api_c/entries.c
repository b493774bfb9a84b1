/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright the pmemstream authors */

/* Appending, what an entry takes, and looking at entries. */

#include "fixture.h"

enum { block = 4096, stream_size = 1 << 20 };

static size_t taken_by(size_t size)
{
    return 16 + (size + 7) / 8 * 8;
}

static void accounting(void)
{
    struct fixture fixture = fixture_new(stream_size, block);
    const struct pmemstream_region region = allocate(fixture.stream, 600000);
    size_t usable = pmemstream_region_usable_size(fixture.stream, region);
    uint64_t expected_offset = region_info_of(fixture.stream, region).data_offset;
    uint64_t timestamp = 0;
    static unsigned char data[100001];
    static const size_t sizes[] = {0,    1,    2,    3,    4,    5,     6,     7,     8,     9,    15,   16,
                                   17,   24,   31,   32,   33,   47,    48,    49,    63,    64,   65,   100,
                                   127,  128,  129,  255,  256,  1000,  1023,  1024,  1025,  2047, 2048, 2049,
                                   2056, 3000, 4079, 4080, 4096, 10000, 65521, 65536, 100001};
    enum { count = sizeof sizes / sizeof *sizes };
    struct pmemstream_entry entries[count];
    for (int i = 0; i < count; ++i) {
        fill(data, sizes[i], (unsigned)i);
        entries[i] = append(fixture.stream, region, data, sizes[i]);
        CHECK_EQUAL(entries[i].offset, expected_offset);
        CHECK_EQUAL(entries[i].offset % 8, 0);
        expected_offset += taken_by(sizes[i]);
        usable -= taken_by(sizes[i]);
        CHECK_EQUAL(pmemstream_region_usable_size(fixture.stream, region), usable);
        CHECK_EQUAL(pmemstream_entry_timestamp(fixture.stream, entries[i]), ++timestamp);
        CHECK(pmemstream_persisted_timestamp(fixture.stream) >= timestamp);
        /* The buffer is the caller's again. */
        memset(data, 0, sizes[i]);
    }
    for (int round = 0; round < 3; ++round) {
        for (int i = 0; i < count; ++i) {
            fill(data, sizes[i], (unsigned)i);
            CHECK(entry_is(fixture.stream, entries[i], data, sizes[i]));
            CHECK_EQUAL(pmemstream_entry_timestamp(fixture.stream, entries[i]), i + 1);
        }
        CHECK_EQUAL(count_entries(fixture.stream, region), count);
        CHECK_EQUAL(pmemstream_region_usable_size(fixture.stream, region), usable);
        struct pmemstream_verify_result verified;
        CHECK_OK(pmemstream_verify(fixture.stream, NULL, NULL, &verified));
        CHECK(verified.entries == count && verified.damages == 0);
        (round == 0 ? fixture_crash : fixture_reopen)(&fixture);
    }
    fixture_delete(&fixture);
}

static void empty_entries_and_null_data(void)
{
    struct fixture fixture = fixture_new(stream_size, block);
    const struct pmemstream_region region = allocate(fixture.stream, 1000);
    struct pmemstream_entry entry = append(fixture.stream, region, NULL, 0);
    CHECK_EQUAL_OK(pmemstream_entry_size(fixture.stream, entry), 0);
    CHECK_EQUAL(pmemstream_entry_timestamp(fixture.stream, entry), 1);
    CHECK(pmemstream_entry_data(fixture.stream, entry) != NULL);
    /* Not read: this would be a fault. */
    entry = append(fixture.stream, region, (const void *)8, 0);
    CHECK_OK(pmemstream_async_append(fixture.stream, NULL, region, NULL, (const void *)8, 0, &entry));
    CHECK_OK(pmemstream_async_append(fixture.stream, NULL, region, NULL, NULL, 0, NULL));
    CHECK_OK(pmemstream_append(fixture.stream, region, NULL, "x", 1, NULL));
    CHECK_EQUAL(pmemstream_persisted_timestamp(fixture.stream), 5);

    const struct state before = state_of(fixture.stream, region);
    entry.offset = 7;
    CHECK_FAILS(pmemstream_append(fixture.stream, region, NULL, NULL, 1, &entry), EINVAL);
    CHECK_FAILS(pmemstream_append(fixture.stream, region, NULL, NULL, SIZE_MAX, &entry), EINVAL);
    CHECK_FAILS(pmemstream_async_append(fixture.stream, NULL, region, NULL, NULL, 1, &entry), EINVAL);
    CHECK_EQUAL(entry.offset, 7);
    CHECK_SAME_STATE(fixture.stream, region, before);
    CHECK_TEXTS(fixture.stream, region, "", "", "", "", "x");
    fixture_delete(&fixture);
}

enum way { BY_APPEND, BY_ASYNC_APPEND, BY_PUBLISH, BY_ASYNC_PUBLISH, BY_GROWN_PUBLISH, WAYS };

static int add(struct pmemstream *stream, struct pmemstream_region region, enum way way, const void *data, size_t size,
               struct pmemstream_entry *entry)
{
    switch (way) {
    case BY_APPEND:
        return pmemstream_append(stream, region, NULL, data, size, entry);
    case BY_ASYNC_APPEND:
        return pmemstream_async_append(stream, NULL, region, NULL, data, size, entry);
    default:
        break;
    }
    void *space;
    if (pmemstream_reserve(stream, region, NULL, way == BY_GROWN_PUBLISH ? 0 : size, entry, &space) != 0)
        return -1;
    memcpy(space, data, size);
    return (way == BY_ASYNC_PUBLISH ? pmemstream_async_publish : pmemstream_publish)(stream, region, NULL, *entry,
                                                                                     size);
}

/* An entry that fills its region to the last byte, and nothing outside of the region is touched. */
static void exact_fill(size_t block_size, size_t region_size, enum way way)
{
    struct fixture fixture = fixture_new(stream_size, block_size);
    struct pmemstream *stream = fixture.stream;
    struct pmemstream_region regions[3];
    static unsigned char data[100000];
    for (int i = 0; i < 3; ++i)
        regions[i] = allocate(stream, region_size);
    append_text(stream, regions[0], "before");
    append_text(stream, regions[2], "behind");
    const struct pmemstream_region region = regions[1];
    const size_t usable = pmemstream_region_usable_size(stream, region);
    const size_t size = usable - 16;
    CHECK(size <= sizeof data);
    fill(data, size, 5);
    struct pmemstream_entry entry = {7};
    /* One byte more does not fit. */
    const struct state before = state_of(stream, region);
    CHECK_FAILS(pmemstream_append(stream, region, NULL, data, size + 1, &entry), ENOSPC);
    CHECK_FAILS(pmemstream_async_append(stream, NULL, region, NULL, data, size + 1, &entry), ENOSPC);
    CHECK_EQUAL(entry.offset, 7);
    CHECK_SAME_STATE(stream, region, before);

    unsigned char *expected = snapshot(fixture.map);
    CHECK_OK(add(stream, region, way, data, size, &entry));
    wait_persisted(stream, pmemstream_entry_timestamp(stream, entry));
    memcpy(expected + region.offset, fixture_bytes(&fixture) + region.offset, usable + 64);
    memcpy(expected + 6144, fixture_bytes(&fixture) + 6144, 8); /* what readers in other processes look at */
    check_unchanged(fixture.map, expected);
    CHECK(entry_is(stream, entry, data, size));
    CHECK_EQUAL_OK(pmemstream_region_usable_size(stream, region), 0);

    void *space = &space;
    struct pmemstream_entry none = {7};
    CHECK_FAILS(pmemstream_append(stream, region, NULL, NULL, 0, &none), ENOSPC);
    CHECK_FAILS(pmemstream_async_append(stream, NULL, region, NULL, NULL, 0, &none), ENOSPC);
    CHECK_FAILS(pmemstream_reserve(stream, region, NULL, 0, &none, &space), ENOSPC);
    CHECK(none.offset == 7 && space == &space);
    for (int crash = 1; crash >= 0; --crash) {
        (crash ? fixture_crash : fixture_reopen)(&fixture);
        CHECK(entry_is(fixture.stream, entry, data, size));
        CHECK_EQUAL(count_entries(fixture.stream, region), 1);
        CHECK_EQUAL_OK(pmemstream_region_usable_size(fixture.stream, region), 0);
        CHECK_TEXTS(fixture.stream, regions[0], "before");
        CHECK_TEXTS(fixture.stream, regions[2], "behind");
    }
    fixture_delete(&fixture);
}

/* Exactly what is left, down to the last 8 bytes, in which no entry has room. */
static void region_fills_up(void)
{
    struct fixture fixture = fixture_new(stream_size, 64);
    for (size_t size = 0; size < 40; ++size) {
        const struct pmemstream_region region = allocate(fixture.stream, 1000);
        size_t usable = pmemstream_region_usable_size(fixture.stream, region);
        unsigned char data[40];
        fill(data, size, (unsigned)size);
        size_t entries = 0;
        for (; usable >= taken_by(size); usable -= taken_by(size), ++entries)
            append(fixture.stream, region, data, size);
        const struct state before = state_of(fixture.stream, region);
        CHECK_FAILS(pmemstream_append(fixture.stream, region, NULL, data, size, NULL), ENOSPC);
        CHECK_SAME_STATE(fixture.stream, region, before);
        CHECK_EQUAL_OK(pmemstream_region_usable_size(fixture.stream, region), usable);
        CHECK_EQUAL(count_entries(fixture.stream, region), entries);
        if (usable >= 16)
            append(fixture.stream, region, NULL, 0);
        fixture_reopen(&fixture);
        CHECK_EQUAL(count_entries(fixture.stream, region), entries + (usable >= 16));
        CHECK_OK(pmemstream_region_free(fixture.stream, region));
    }
    fixture_delete(&fixture);
}

static void impossible_sizes(void)
{
    struct fixture fixture = fixture_new(stream_size, block);
    const struct pmemstream_region region = allocate(fixture.stream, 10000);
    append_text(fixture.stream, region, "first");
    struct pmemstream_entry reserved;
    void *reserved_data;
    CHECK_OK(pmemstream_reserve(fixture.stream, region, NULL, 8, &reserved, &reserved_data));
    const size_t usable = pmemstream_region_usable_size(fixture.stream, region);
    const size_t sizes[] = {usable - 15,
                            usable,
                            usable + 8,
                            stream_size,
                            (size_t)1 << 32,
                            ((size_t)1 << 40) - 17,
                            ((size_t)1 << 40) - 16,
                            ((size_t)1 << 40) - 2,
                            ((size_t)1 << 40) - 1,
                            (size_t)1 << 40,
                            ((size_t)1 << 40) + 8,
                            ((size_t)1 << 62) - 16,
                            ((size_t)1 << 62) - 1,
                            (size_t)1 << 62,
                            ((size_t)1 << 62) + 8,
                            ((size_t)1 << 63) - 16,
                            (size_t)1 << 63,
                            SIZE_MAX - 32,
                            SIZE_MAX - 24,
                            SIZE_MAX - 23,
                            SIZE_MAX - 16,
                            SIZE_MAX - 15,
                            SIZE_MAX - 8,
                            SIZE_MAX - 7,
                            SIZE_MAX - 6,
                            SIZE_MAX - 1,
                            SIZE_MAX};
    const struct state before = state_of(fixture.stream, region);
    struct pmemstream_entry entry = {7};
    void *data = &data;
    unsigned char *bytes = snapshot(fixture.map);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; ++i) {
        CHECK_FAILS(pmemstream_append(fixture.stream, region, NULL, "data", sizes[i], &entry), ENOSPC);
        CHECK_FAILS(pmemstream_async_append(fixture.stream, NULL, region, NULL, "data", sizes[i], &entry), ENOSPC);
        CHECK_FAILS(pmemstream_reserve(fixture.stream, region, NULL, sizes[i], &entry, &data), ENOSPC);
        if (sizes[i] > usable + 8) {
            CHECK_FAILS(pmemstream_publish(fixture.stream, region, NULL, reserved, sizes[i]), ENOSPC);
            CHECK_FAILS(pmemstream_async_publish(fixture.stream, region, NULL, reserved, sizes[i]), ENOSPC);
        }
        CHECK(entry.offset == 7 && data == &data);
        CHECK_SAME_STATE(fixture.stream, region, before);
    }
    check_unchanged(fixture.map, bytes);
    fixture_delete(&fixture);
}

static void no_entry_there(void)
{
    struct fixture fixture = fixture_new(stream_size, block);
    struct pmemstream *stream = fixture.stream;
    const struct pmemstream_region region = allocate(stream, 10000);
    const struct pmemstream_region empty = allocate(stream, 10000);
    static const unsigned char zeros[64];
    const struct pmemstream_entry entry = append(stream, region, zeros, sizeof zeros);
    const struct pmemstream_entry last = append_text(stream, region, "last");
    const uint64_t end = last.offset + taken_by(4);
    const uint64_t offsets[] = {UINT64_MAX,
                                UINT64_MAX - 7,
                                UINT64_MAX - 15,
                                0,
                                8,
                                4096,
                                region.offset,
                                region.offset + 8,
                                region.offset + 56,
                                entry.offset - 8,
                                entry.offset + 1,
                                entry.offset + 4,
                                entry.offset + 7,
                                entry.offset + 16,
                                entry.offset + 24,
                                end,
                                end + 8,
                                end + 16,
                                region.offset + 10000,
                                empty.offset - 8,
                                empty.offset - 16,
                                empty.offset,
                                empty.offset + 64,
                                empty.offset + 16384,
                                stream_size - 16,
                                stream_size - 8,
                                stream_size,
                                stream_size + 8,
                                1ULL << 40,
                                1ULL << 62,
                                entry.offset | 1ULL << 63};
    for (size_t i = 0; i < sizeof offsets / sizeof *offsets; ++i) {
        const struct pmemstream_entry wrong = {offsets[i]};
        CHECK_FAILS_WITH(pmemstream_entry_data(stream, wrong), NULL, ENOENT);
        CHECK_FAILS_WITH(pmemstream_entry_size(stream, wrong), 0, ENOENT);
        CHECK_FAILS_WITH(pmemstream_entry_timestamp(stream, wrong), 0, ENOENT);
    }
    CHECK(entry_is(stream, entry, zeros, sizeof zeros));
    CHECK(entry_is(stream, last, "last", 4));
    fixture_delete(&fixture);
}

/*
 * The checksum is of the bytes that are stored: data that an append itself overwrites, because it lies where the entry
 * comes to lie, is read once.
 */
static void data_is_read_once(void)
{
    static const size_t sizes[] = {1, 64, 240, 241, 1000, 2048, 2049, 4000, 4096, 4097, 20000};
    struct fixture fixture = fixture_new(4 << 20, 4096);
    const struct pmemstream_region region = allocate(fixture.stream, 1 << 20);
    const bool pages = info_of(fixture.stream).medium == PMEMSTREAM_MEDIUM_PAGE;
    uint64_t entries = 0;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; ++i) {
        if (pages && sizes[i] > 2048)
            break; /* copied by memcpy(), which must not be given what overlaps */
        for (int twice = 0; twice < 2; ++twice) {
            struct pmemstream_entry entry;
            void *place = NULL;
            CHECK(pmemstream_reserve(fixture.stream, region, NULL, sizes[i] + 64, &entry, &place) == 0);
            fill(place, sizes[i] + 64, (unsigned)i + 1);
            CHECK(pmemstream_abort(fixture.stream, region, NULL, entry) == 0);
            CHECK(pmemstream_append(fixture.stream, region, NULL, (const char *)place + 8, sizes[i], NULL) == 0);
            append(fixture.stream, region, "some text", 1 + 8 * (size_t)twice); /* the next one lies otherwise */
            entries += 2;
        }
    }
    struct pmemstream_verify_result result;
    CHECK(pmemstream_verify(fixture.stream, NULL, NULL, &result) == 0);
    CHECK(result.damages == 0 && result.entries == entries);
    fixture_delete(&fixture);
}

int main(void)
{
    accounting();
    empty_entries_and_null_data();
    for (int way = 0; way < WAYS; ++way) {
        exact_fill(64, 64, way);
        exact_fill(64, 1000, way);
        exact_fill(4096, 4096 - 64, way);
        exact_fill(4096, 5000, way);
        exact_fill(16384, 90000, way);
    }
    region_fills_up();
    impossible_sizes();
    no_entry_there();
    data_is_read_once();
    return 0;
}
