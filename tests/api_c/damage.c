/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright the pmemstream authors */

/* Damaged entries: found, told with their place, and everything whole around them stays readable. */

#include "fixture.h"

enum { block = 4096, stream_size = 256 * 1024, count = 9, middle = 4, entry_size = 100 };

struct damaged {
    struct fixture fixture;
    struct pmemstream_region region;
    struct pmemstream_region after;
    struct pmemstream_entry entries[count];
    unsigned char data[count][entry_size];
};

static struct damaged stream_of_entries(void)
{
    struct damaged it = {.fixture = fixture_new(stream_size, block)};
    it.region = allocate(it.fixture.stream, 3000);
    it.after = allocate(it.fixture.stream, 3000);
    for (int i = 0; i < count; ++i) {
        fill(it.data[i], entry_size, (unsigned)i);
        it.entries[i] = append(it.fixture.stream, it.region, it.data[i], entry_size);
    }
    append_text(it.fixture.stream, it.after, "unharmed");
    return it;
}

struct found {
    int damages;
    struct pmemstream_damage last;
};

static int note_damage(const struct pmemstream_damage *damage, void *arg)
{
    struct found *found = arg;
    ++found->damages;
    found->last = *damage;
    CHECK(damage->what != NULL && damage->what[0] != '\0');
    return 0;
}

static int stop_at_first(const struct pmemstream_damage *damage, void *arg)
{
    note_damage(damage, arg);
    return 1;
}

static void check_verify(struct damaged *it, uint64_t entries)
{
    struct found found = {0};
    struct pmemstream_verify_result result;
    CHECK_OK(pmemstream_verify(it->fixture.stream, note_damage, &found, &result));
    CHECK_EQUAL(result.entries, entries);
    CHECK_EQUAL(result.damages, 1);
    CHECK_EQUAL(found.damages, 1);
    CHECK_EQUAL(found.last.region.offset, it->region.offset);
    CHECK_EQUAL(found.last.offset, it->entries[middle].offset);
    CHECK(found.last.size >= 16 && found.last.size <= 16 + entry_size + 8);
    memset(&found, 0, sizeof found);
    result.entries = 7;
    CHECK_FAILS(pmemstream_verify(it->fixture.stream, stop_at_first, &found, &result), ECANCELED);
    CHECK(found.damages == 1 && result.entries == 7);
    CHECK_OK(pmemstream_verify(it->fixture.stream, NULL, NULL, NULL));
}

/* Iterates over everything; stops at the middle and goes on behind it. */
static void check_iteration(struct damaged *it)
{
    struct pmemstream *stream = it->fixture.stream;
    struct pmemstream_entry_iterator *iterator;
    CHECK_OK(pmemstream_entry_iterator_new(&iterator, stream, it->region));
    pmemstream_entry_iterator_seek_first(iterator);
    for (int i = 0; i < count; ++i) {
        if (i == middle) {
            CHECK_FAILS(pmemstream_entry_iterator_is_valid(iterator), EUCLEAN);
            CHECK_FAILS_WITH(pmemstream_entry_iterator_get(iterator).offset, UINT64_MAX, EUCLEAN);
            pmemstream_entry_iterator_next(iterator);
            CHECK_FAILS(pmemstream_entry_iterator_is_valid(iterator), EUCLEAN);
            CHECK_OK(pmemstream_entry_iterator_skip_damage(iterator));
            continue;
        }
        CHECK_OK(pmemstream_entry_iterator_is_valid(iterator));
        CHECK_EQUAL(pmemstream_entry_iterator_get(iterator).offset, it->entries[i].offset);
        CHECK(entry_is(stream, it->entries[i], it->data[i], entry_size));
        CHECK_EQUAL(pmemstream_entry_timestamp(stream, it->entries[i]), i + 1);
        CHECK_FAILS(pmemstream_entry_iterator_skip_damage(iterator), EINVAL);
        pmemstream_entry_iterator_next(iterator);
    }
    CHECK_FAILS(pmemstream_entry_iterator_is_valid(iterator), ENOENT);
    CHECK_FAILS(pmemstream_entry_iterator_skip_damage(iterator), EINVAL);
    pmemstream_entry_iterator_delete(&iterator);
    CHECK_TEXTS(stream, it->after, "unharmed");
}

/* Every byte of a record's header in turn: opening succeeds, nothing is silently wrong. */
static void header_bytes(void)
{
    for (int byte = 0; byte < 16; ++byte)
        for (int bit = 0; bit < 8; ++bit) {
            struct damaged it = stream_of_entries();
            fixture_close(&it.fixture);
            struct pmem2_map *map = map_file(it.fixture.fd);
            ((unsigned char *)pmem2_map_get_address(map))[it.entries[middle].offset + (uint64_t)byte] ^=
                (unsigned char)(1U << bit);
            unmap(&map);
            fixture_open(&it.fixture);
            CHECK_EQUAL(pmemstream_persisted_timestamp(it.fixture.stream), count + 1);
            check_verify(&it, count);
            for (int i = 0; i < count; ++i)
                if (i != middle)
                    CHECK(entry_is(it.fixture.stream, it.entries[i], it.data[i], entry_size));
            /* Iterating checks size, timestamp and kind, and leaves the checksum over the data to verifying. */
            struct pmemstream_entry_iterator *iterator;
            CHECK_OK(pmemstream_entry_iterator_new(&iterator, it.fixture.stream, it.region));
            pmemstream_entry_iterator_seek_first(iterator);
            for (int i = 0; i < middle; ++i)
                pmemstream_entry_iterator_next(iterator);
            const int valid = pmemstream_entry_iterator_is_valid(iterator);
            const int is_checksum = byte > 12 || (byte == 12 && bit >= 4);
            CHECK(is_checksum ? valid == 0 : valid == -1 && errno == EUCLEAN);
            pmemstream_entry_iterator_delete(&iterator);
            if (valid == -1) {
                check_iteration(&it);
                CHECK(pmemstream_entry_data(it.fixture.stream, it.entries[middle]) == NULL);
                CHECK(errno == EUCLEAN || errno == ENOENT);
                CHECK(pmemstream_entry_size(it.fixture.stream, it.entries[middle]) == 0);
                CHECK(pmemstream_entry_timestamp(it.fixture.stream, it.entries[middle]) == 0);
            }
            /* Appends go on behind everything. */
            append_text(it.fixture.stream, it.after, "after");
            CHECK_TEXTS(it.fixture.stream, it.after, "unharmed", "after");
            fixture_delete(&it.fixture);
        }
}

static void overwrite_header(struct damaged *it, int value)
{
    memset(fixture_bytes(&it->fixture) + it->entries[middle].offset, value, 16);
}

/* A header of nothing, of ones, of garbage: also while the stream is open. */
static void whole_header(void)
{
    static const int values[] = {0, 0xff, 0x5a};
    for (int i = 0; i < 3; ++i)
        for (int how = 0; how < 3; ++how) {
            struct damaged it = stream_of_entries();
            if (how == 0) {
                overwrite_header(&it, values[i]);
            } else {
                fixture_close(&it.fixture);
                it.fixture.map = map_file(it.fixture.fd);
                overwrite_header(&it, values[i]);
                unmap(&it.fixture.map);
                fixture_open(&it.fixture);
            }
            if (how == 2)
                fixture_crash(&it.fixture);
            check_iteration(&it);
            CHECK(pmemstream_entry_data(it.fixture.stream, it.entries[middle]) == NULL);
            check_verify(&it, count);
            append_text(it.fixture.stream, it.region, "behind everything");
            CHECK_EQUAL(pmemstream_persisted_timestamp(it.fixture.stream), count + 2);
            /* Behind the last checkpoint damage looks like a torn tail, so a crash before the first one ends the log.
             */
            (how == 0 ? fixture_reopen : fixture_crash)(&it.fixture);
            check_verify(&it, count + 1);
            fixture_delete(&it.fixture);
        }
}

/* Data is checked by verifying, and by iterating over a stream that was opened with check_data. */
static void data_bytes(void)
{
    struct damaged it = stream_of_entries();
    fixture_bytes(&it.fixture)[it.entries[middle].offset + 16 + 50] ^= 1;
    check_verify(&it, count);
    CHECK_EQUAL(count_entries(it.fixture.stream, it.region), count);
    struct found found = {0};
    CHECK_OK(pmemstream_verify(it.fixture.stream, note_damage, &found, NULL));
    CHECK_EQUAL(found.last.timestamp, middle + 1);
    fixture_delete(&it.fixture);
}

static void no_damage(void)
{
    struct damaged it = stream_of_entries();
    struct found found = {0};
    struct pmemstream_verify_result result;
    CHECK_OK(pmemstream_verify(it.fixture.stream, note_damage, &found, &result));
    CHECK(result.entries == count + 1 && result.damages == 0 && found.damages == 0);
    CHECK_EQUAL(result.bytes, count * entry_size + 8);
    CHECK_FAILS(pmemstream_verify(NULL, note_damage, &found, &result), EINVAL);
    fixture_delete(&it.fixture);
}

int main(void)
{
    no_damage();
    header_bytes();
    whole_header();
    data_bytes();
    return 0;
}
