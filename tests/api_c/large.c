/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright the pmemstream authors */

/* Large streams: offsets beyond 32 bits, in a sparse file, an entry of a gibibyte, and ten thousand regions. */

#include "fixture.h"

#include <unistd.h>

static const uint64_t gibibyte = 1ULL << 30;

/* What lies at its two ends; the rest are zeros that take no memory until they are read. */
static void check_ends(struct pmemstream *stream, struct pmemstream_entry entry, uint64_t size)
{
    const unsigned char *data = pmemstream_entry_data(stream, entry);
    CHECK(data != NULL);
    CHECK_EQUAL(pmemstream_entry_size(stream, entry), size);
    CHECK(data[0] == 'b' && data[1] == 0 && data[size / 2] == 0 && data[size - 1] == 'e');
}

static void tebibyte(void)
{
    const uint64_t size = 1024 * gibibyte;
    struct fixture fixture = fixture_new(size, 4096);
    struct pmemstream *stream = fixture.stream;
    CHECK_EQUAL(info_of(stream).size, size);
    const struct pmemstream_region low = allocate(stream, 5 * gibibyte + 1);
    const struct pmemstream_region high = allocate(stream, 1000 * gibibyte);
    const struct pmemstream_region last = allocate(stream, info_of(stream).largest_free_size);
    CHECK_EQUAL(info_of(stream).free_size, 0);
    CHECK(high.offset > 5 * gibibyte && last.offset > 1005 * gibibyte);
    CHECK_EQUAL(pmemstream_region_usable_size(stream, high), 1000 * gibibyte + 4096 - 64);
    append_text(stream, low, "low");
    append_text(stream, high, "high");
    append_text(stream, last, "last");

    /* A reservation that is written at its ends only, and appended behind. */
    struct pmemstream_entry large;
    void *data;
    CHECK_OK(pmemstream_reserve(stream, high, NULL, gibibyte, &large, &data));
    append_text(stream, high, "behind a gibibyte");
    ((unsigned char *)data)[0] = 'b';
    ((unsigned char *)data)[gibibyte - 1] = 'e';
    CHECK_OK(pmemstream_publish(stream, high, NULL, large, gibibyte));
    /* Reserved only: an end beyond 2^39 in the region, given back. */
    struct pmemstream_entry far;
    CHECK_FAILS(pmemstream_reserve(stream, high, NULL, 1000 * gibibyte, &far, &data), ENOSPC);
    CHECK_OK(pmemstream_reserve(stream, high, NULL, 900 * gibibyte, &far, &data));
    CHECK_EQUAL(region_info_of(stream, high).end_offset, far.offset + 16 + 900 * gibibyte);
    const struct pmemstream_entry behind = append_text(stream, high, "behind 900 gibibytes");
    CHECK(behind.offset > far.offset + 900 * gibibyte);
    CHECK_OK(pmemstream_abort(stream, high, NULL, far));
    CHECK_EQUAL(count_entries(stream, high), 4);

    for (int reopened = 0; reopened < 2; ++reopened) {
        CHECK_TEXTS(stream, low, "low");
        CHECK_TEXTS(stream, last, "last");
        CHECK_EQUAL(count_entries(stream, high), 4);
        check_ends(stream, large, gibibyte);
        CHECK(entry_is(stream, behind, "behind 900 gibibytes", 20));
        fixture_reopen(&fixture);
        stream = fixture.stream;
        CHECK(info_of(stream).was_clean == 1);
        CHECK_EQUAL(pmemstream_persisted_timestamp(stream), 6);
    }
    CHECK_OK(pmemstream_region_free(stream, high));
    CHECK_EQUAL(info_of(stream).largest_free_size, 1000 * gibibyte + 4096 - 64);
    append_text(stream, low, "still there");
    fixture_delete(&fixture);
}

/* Appended in one piece, in front of the end of a region that it fills to the last byte. */
static void entry_of_a_gibibyte(void)
{
    struct fixture fixture = fixture_new(3 * gibibyte, 4096);
    const struct pmemstream_region region = allocate(fixture.stream, gibibyte + 64);
    const size_t size = pmemstream_region_usable_size(fixture.stream, region) - 16;
    CHECK(size > gibibyte);
    unsigned char *data = calloc(1, size);
    CHECK(data != NULL);
    data[0] = 'b';
    data[size - 1] = 'e';
    const struct pmemstream_entry entry = append(fixture.stream, region, data, size);
    free(data);
    CHECK_EQUAL(pmemstream_region_usable_size(fixture.stream, region), 0);
    check_ends(fixture.stream, entry, size);
    fixture_reopen(&fixture);
    check_ends(fixture.stream, entry, size);
    struct pmemstream_verify_result result;
    CHECK_OK(pmemstream_verify(fixture.stream, NULL, NULL, &result));
    CHECK(result.entries == 1 && result.bytes == size && result.damages == 0);
    fixture_delete(&fixture);
}

static void many_regions(void)
{
    enum { count = 10000 };
    struct fixture fixture = fixture_new((size_t)16 * 1024 * 1024, 64);
    static struct pmemstream_region regions[count];
    for (int i = 0; i < count; ++i) {
        regions[i] = allocate(fixture.stream, 200);
        append(fixture.stream, regions[i], &i, sizeof i);
    }
    for (int lives = 0; lives < 3; ++lives) {
        CHECK_EQUAL(info_of(fixture.stream).region_count, count);
        struct pmemstream_region_iterator *iterator;
        CHECK_OK(pmemstream_region_iterator_new(&iterator, fixture.stream));
        int found = 0;
        for (pmemstream_region_iterator_seek_first(iterator); pmemstream_region_iterator_is_valid(iterator) == 0;
             pmemstream_region_iterator_next(iterator)) {
            CHECK(found < count);
            CHECK_EQUAL(pmemstream_region_iterator_get(iterator).offset, regions[found].offset);
            struct pmemstream_entry_iterator *entries;
            CHECK_OK(pmemstream_entry_iterator_new(&entries, fixture.stream, regions[found]));
            pmemstream_entry_iterator_seek_first(entries);
            CHECK(entry_is(fixture.stream, pmemstream_entry_iterator_get(entries), &found, sizeof found));
            pmemstream_entry_iterator_delete(&entries);
            ++found;
        }
        pmemstream_region_iterator_delete(&iterator);
        CHECK_EQUAL(found, count);
        if (lives == 0)
            fixture_crash(&fixture);
        else
            fixture_reopen(&fixture);
    }
    /* Every second one goes; the others stay, and the space is found again. */
    for (int i = 0; i < count; i += 2)
        CHECK_OK(pmemstream_region_free(fixture.stream, regions[i]));
    for (int i = 0; i < count; i += 2)
        regions[i] = allocate(fixture.stream, 200);
    CHECK_EQUAL(info_of(fixture.stream).region_count, count);
    for (int i = 1; i < count; i += 2)
        CHECK_EQUAL(count_entries(fixture.stream, regions[i]), 1);
    fixture_delete(&fixture);
}

int main(void)
{
    tebibyte();
    entry_of_a_gibibyte();
    many_regions();
    return 0;
}
