/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright the pmemstream authors */

/* Iterators over entries; those over regions are in regions.c. */

#include "fixture.h"

#include <pthread.h>

enum { block = 4096, stream_size = 4 << 20 };

static struct pmemstream_entry_iterator *iterator_of(struct pmemstream *stream, struct pmemstream_region region)
{
    struct pmemstream_entry_iterator *iterator = NULL;
    CHECK_OK(pmemstream_entry_iterator_new(&iterator, stream, region));
    CHECK(iterator != NULL);
    return iterator;
}

static void check_invalid(struct pmemstream_entry_iterator *iterator)
{
    CHECK_FAILS(pmemstream_entry_iterator_is_valid(iterator), ENOENT);
    CHECK_FAILS_WITH(pmemstream_entry_iterator_get(iterator).offset, UINT64_MAX, ENOENT);
    errno = ERRNO_UNTOUCHED;
    pmemstream_entry_iterator_next(iterator);
    CHECK_FAILS(pmemstream_entry_iterator_is_valid(iterator), ENOENT);
    CHECK_FAILS(pmemstream_entry_iterator_skip_damage(iterator), EINVAL);
}

static void check_on(struct pmemstream_entry_iterator *iterator, struct pmemstream_entry entry)
{
    for (int i = 0; i < 2; ++i) {
        CHECK_OK(pmemstream_entry_iterator_is_valid(iterator));
        CHECK_EQUAL_OK(pmemstream_entry_iterator_get(iterator).offset, entry.offset);
    }
}

static void null_arguments(void)
{
    struct fixture fixture = fixture_new(stream_size, block);
    const struct pmemstream_region region = allocate(fixture.stream, 1000);
    struct pmemstream_entry_iterator *entries = (struct pmemstream_entry_iterator *)&entries;
    struct pmemstream_region_iterator *regions = (struct pmemstream_region_iterator *)&regions;
    CHECK_FAILS(pmemstream_entry_iterator_new(NULL, fixture.stream, region), EINVAL);
    CHECK_FAILS(pmemstream_entry_iterator_new(&entries, NULL, region), EINVAL);
    CHECK(entries == (struct pmemstream_entry_iterator *)&entries);
    CHECK_FAILS(pmemstream_region_iterator_new(NULL, fixture.stream), EINVAL);
    CHECK_FAILS(pmemstream_region_iterator_new(&regions, NULL), EINVAL);
    CHECK(regions == (struct pmemstream_region_iterator *)&regions);

    CHECK_FAILS(pmemstream_entry_iterator_is_valid(NULL), EINVAL);
    CHECK_FAILS_WITH(pmemstream_entry_iterator_get(NULL).offset, UINT64_MAX, EINVAL);
    CHECK_FAILS(pmemstream_entry_iterator_skip_damage(NULL), EINVAL);
    CHECK_FAILS(pmemstream_region_iterator_is_valid(NULL), EINVAL);
    CHECK_FAILS_WITH(pmemstream_region_iterator_get(NULL).offset, UINT64_MAX, EINVAL);
    pmemstream_entry_iterator_seek_first(NULL);
    pmemstream_entry_iterator_next(NULL);
    pmemstream_entry_iterator_delete(NULL);
    pmemstream_region_iterator_seek_first(NULL);
    pmemstream_region_iterator_next(NULL);
    pmemstream_region_iterator_delete(NULL);
    entries = NULL;
    regions = NULL;
    pmemstream_entry_iterator_delete(&entries);
    pmemstream_region_iterator_delete(&regions);
    CHECK(entries == NULL && regions == NULL);

    entries = iterator_of(fixture.stream, region);
    pmemstream_entry_iterator_delete(&entries);
    CHECK(entries == NULL);
    fixture_delete(&fixture);
}

static void new_ones_are_invalid(void)
{
    struct fixture fixture = fixture_new(stream_size, block);
    const struct pmemstream_region region = allocate(fixture.stream, 1000);
    const struct pmemstream_entry entry = append_text(fixture.stream, region, "there");
    struct pmemstream_entry_iterator *iterator = iterator_of(fixture.stream, region);
    check_invalid(iterator);
    append_text(fixture.stream, region, "another");
    check_invalid(iterator);
    pmemstream_entry_iterator_seek_first(iterator);
    check_on(iterator, entry);
    pmemstream_entry_iterator_delete(&iterator);
    fixture_delete(&fixture);
}

static void end_of_region(void)
{
    struct fixture fixture = fixture_new(stream_size, block);
    const struct pmemstream_region region = allocate(fixture.stream, 1000);
    struct pmemstream_entry entries[4];
    for (int i = 0; i < 2; ++i)
        entries[i] = append_text(fixture.stream, region, "entry");
    struct pmemstream_entry_iterator *iterator = iterator_of(fixture.stream, region);
    pmemstream_entry_iterator_seek_first(iterator);
    check_on(iterator, entries[0]);
    pmemstream_entry_iterator_next(iterator);
    check_on(iterator, entries[1]);
    pmemstream_entry_iterator_next(iterator);
    check_invalid(iterator);
    check_invalid(iterator);
    /* Valid again by itself, at its place. */
    entries[2] = append_text(fixture.stream, region, "new");
    check_on(iterator, entries[2]);
    entries[3] = append_text(fixture.stream, region, "newer");
    check_on(iterator, entries[2]);
    pmemstream_entry_iterator_next(iterator);
    check_on(iterator, entries[3]);
    pmemstream_entry_iterator_next(iterator);
    check_invalid(iterator);
    append_text(fixture.stream, region, "newest");
    /* get alone sees it, too. */
    CHECK(entry_is(fixture.stream, pmemstream_entry_iterator_get(iterator), "newest", 6));
    pmemstream_entry_iterator_seek_first(iterator);
    check_on(iterator, entries[0]);
    pmemstream_entry_iterator_delete(&iterator);
    fixture_delete(&fixture);
}

static void empty_region(void)
{
    struct fixture fixture = fixture_new(stream_size, block);
    const struct pmemstream_region region = allocate(fixture.stream, 1000);
    struct pmemstream_entry_iterator *iterator = iterator_of(fixture.stream, region);
    pmemstream_entry_iterator_seek_first(iterator);
    check_invalid(iterator);
    const struct pmemstream_entry entry = append_text(fixture.stream, region, "first");
    check_invalid(iterator);
    pmemstream_entry_iterator_seek_first(iterator);
    check_on(iterator, entry);
    pmemstream_entry_iterator_delete(&iterator);
    fixture_delete(&fixture);
}

/* Reserved space is no entry; nor is what was only begun. */
static void up_to_the_first_reservation(void)
{
    struct fixture fixture = fixture_new(stream_size, block);
    const struct pmemstream_region region = allocate(fixture.stream, 1000);
    const struct pmemstream_entry first = append_text(fixture.stream, region, "first");
    struct pmemstream_entry_iterator *iterator = iterator_of(fixture.stream, region);
    pmemstream_entry_iterator_seek_first(iterator);
    struct pmemstream_entry reserved;
    void *data;
    CHECK_OK(pmemstream_reserve(fixture.stream, region, NULL, 8, &reserved, &data));
    const struct pmemstream_entry behind = append_text(fixture.stream, region, "behind");
    check_on(iterator, first);
    pmemstream_entry_iterator_next(iterator);
    check_invalid(iterator);
    memcpy(data, "reserved", 8);
    CHECK_OK(pmemstream_publish(fixture.stream, region, NULL, reserved, 8));
    check_on(iterator, reserved);
    pmemstream_entry_iterator_next(iterator);
    check_on(iterator, behind);
    pmemstream_entry_iterator_delete(&iterator);
    fixture_delete(&fixture);
}

enum { appended = 20000, readers = 3 };

struct reading {
    struct pmemstream *stream;
    struct pmemstream_region region;
};

static void *read_along(void *arg)
{
    const struct reading *reading = arg;
    struct pmemstream_entry_iterator *iterator = iterator_of(reading->stream, reading->region);
    uint64_t seen = 0;
    while (seen < appended) {
        if (seen == 0)
            pmemstream_entry_iterator_seek_first(iterator);
        while (pmemstream_entry_iterator_is_valid(iterator) == 0) {
            const struct pmemstream_entry entry = pmemstream_entry_iterator_get(iterator);
            uint64_t number;
            CHECK_EQUAL(pmemstream_entry_size(reading->stream, entry), 8);
            memcpy(&number, pmemstream_entry_data(reading->stream, entry), 8);
            CHECK_EQUAL(number, seen);
            CHECK_EQUAL(pmemstream_entry_timestamp(reading->stream, entry), seen + 1);
            CHECK(pmemstream_committed_timestamp(reading->stream) > seen);
            ++seen;
            pmemstream_entry_iterator_next(iterator);
        }
        CHECK_EQUAL(errno, ENOENT);
    }
    pmemstream_entry_iterator_delete(&iterator);
    return NULL;
}

/* Any number of iterators run beside appends: in order, and nothing that is not committed. */
static void beside_appends(void)
{
    struct fixture fixture = fixture_new(stream_size, block);
    struct reading reading = {fixture.stream, allocate(fixture.stream, appended * 24)};
    pthread_t threads[readers];
    for (int i = 0; i < readers; ++i)
        CHECK(pthread_create(&threads[i], NULL, read_along, &reading) == 0);
    for (uint64_t i = 0; i < appended; ++i) {
        if (i % 16 == 0)
            append(fixture.stream, reading.region, &i, 8);
        else
            CHECK_OK(pmemstream_async_append(fixture.stream, NULL, reading.region, NULL, &i, 8, NULL));
    }
    struct pmemstream_async_wait_fut wait = pmemstream_async_wait_committed(fixture.stream, appended);
    FUTURE_BUSY_POLL(&wait);
    for (int i = 0; i < readers; ++i)
        CHECK(pthread_join(threads[i], NULL) == 0);
    fixture_delete(&fixture);
}

int main(void)
{
    null_arguments();
    new_ones_are_invalid();
    end_of_region();
    empty_region();
    up_to_the_first_reservation();
    beside_appends();
    return 0;
}
