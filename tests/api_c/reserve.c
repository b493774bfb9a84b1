/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright the pmemstream authors */

/* Reserving and publishing. */

#include "fixture.h"

enum { block = 4096, stream_size = 256 * 1024, region_size = 4096 - 64 };

static struct pmemstream_entry reserve(struct pmemstream *stream, struct pmemstream_region region, size_t size,
                                       void **data)
{
    struct pmemstream_entry entry = {UINT64_MAX};
    *data = NULL;
    CHECK_OK(pmemstream_reserve(stream, region, NULL, size, &entry, data));
    CHECK(entry.offset != UINT64_MAX && *data != NULL && (uintptr_t)*data % 8 == 0);
    return entry;
}

static struct pmemstream_entry reserve_text(struct pmemstream *stream, struct pmemstream_region region,
                                            const char *text)
{
    void *data;
    const struct pmemstream_entry entry = reserve(stream, region, strlen(text), &data);
    memcpy(data, text, strlen(text));
    return entry;
}

static void publish(struct pmemstream *stream, struct pmemstream_region region, struct pmemstream_entry entry,
                    size_t size)
{
    CHECK_OK(pmemstream_publish(stream, region, NULL, entry, size));
    CHECK(pmemstream_persisted_timestamp(stream) >= pmemstream_entry_timestamp(stream, entry));
    CHECK(pmemstream_committed_timestamp(stream) >= pmemstream_persisted_timestamp(stream));
}

static void plain(void)
{
    struct fixture fixture = fixture_new(stream_size, block);
    struct pmemstream *stream = fixture.stream;
    const struct pmemstream_region region = allocate(stream, region_size);
    struct pmemstream_region_runtime *runtime;
    CHECK_OK(pmemstream_region_runtime_initialize(stream, region, &runtime));
    void *data;
    struct pmemstream_entry entry;
    CHECK_OK(pmemstream_reserve(stream, region, runtime, 11, &entry, &data));
    memcpy(data, "hello world", 11);
    CHECK_EQUAL(pmemstream_region_usable_size(stream, region), region_size - 32);
    CHECK_EQUAL(region_info_of(stream, region).open_reservations, 1);
    /* Nobody sees it, and it has no timestamp yet. */
    CHECK_EQUAL(count_entries(stream, region), 0);
    CHECK_EQUAL_OK(pmemstream_committed_timestamp(stream), 0);
    CHECK_FAILS_WITH(pmemstream_entry_data(stream, entry), NULL, ENOENT);
    CHECK_FAILS_WITH(pmemstream_entry_size(stream, entry), 0, ENOENT);
    CHECK_FAILS_WITH(pmemstream_entry_timestamp(stream, entry), 0, ENOENT);
    CHECK_OK(pmemstream_publish(stream, region, runtime, entry, 11));
    CHECK_EQUAL(pmemstream_entry_timestamp(stream, entry), 1);
    CHECK_EQUAL(pmemstream_persisted_timestamp(stream), 1);
    CHECK(pmemstream_entry_data(stream, entry) == data);
    CHECK_EQUAL(pmemstream_region_usable_size(stream, region), region_size - 32);
    CHECK_EQUAL(region_info_of(stream, region).open_reservations, 0);
    fixture_crash(&fixture);
    CHECK_TEXTS(fixture.stream, region, "hello world");
    fixture_delete(&fixture);
}

static void smaller(void)
{
    struct fixture fixture = fixture_new(stream_size, block);
    struct pmemstream *stream = fixture.stream;
    const struct pmemstream_region region = allocate(stream, region_size);
    const size_t usable = pmemstream_region_usable_size(stream, region);
    void *data;
    /* The last: the rest is given back. */
    struct pmemstream_entry entry = reserve(stream, region, 1000, &data);
    memcpy(data, "abcde", 5);
    publish(stream, region, entry, 5);
    CHECK_EQUAL(pmemstream_region_usable_size(stream, region), usable - 24);
    entry = reserve(stream, region, 1000, &data);
    CHECK_EQUAL(entry.offset, region_info_of(stream, region).data_offset + 24);
    publish(stream, region, entry, 0);
    CHECK_EQUAL(pmemstream_region_usable_size(stream, region), usable - 40);

    /* Not the last: it stays taken, and is stepped over. By every remainder, 8 bytes are too few for a record. */
    size_t left = usable - 40;
    for (size_t rest = 0; rest <= 48; rest += 8) {
        entry = reserve(stream, region, 64, &data);
        memset(data, 'r', 64);
        append_text(stream, region, "behind");
        publish(stream, region, entry, 64 - rest);
        CHECK_EQUAL(pmemstream_entry_size(stream, entry), 64 - rest);
        left -= 80 + 24;
        CHECK_EQUAL(pmemstream_region_usable_size(stream, region), left);
    }
    for (int round = 0; round < 3; ++round) {
        CHECK_EQUAL(count_entries(fixture.stream, region), 16);
        CHECK_EQUAL(pmemstream_region_usable_size(fixture.stream, region), left);
        (round == 0 ? fixture_crash : fixture_reopen)(&fixture);
    }
    fixture_delete(&fixture);
}

static void larger(void)
{
    struct fixture fixture = fixture_new(stream_size, block);
    struct pmemstream *stream = fixture.stream;
    const struct pmemstream_region region = allocate(stream, region_size);
    const size_t usable = pmemstream_region_usable_size(stream, region);
    void *data;
    struct pmemstream_entry entry = reserve(stream, region, 4, &data);
    memset(data, 'l', 100);
    publish(stream, region, entry, 100);
    CHECK_EQUAL(pmemstream_entry_size(stream, entry), 100);
    CHECK_EQUAL(pmemstream_region_usable_size(stream, region), usable - 120);

    /* Something lies behind it: an entry, another reservation. */
    entry = reserve_text(stream, region, "reserved");
    const struct pmemstream_entry second = reserve_text(stream, region, "second");
    struct state before = state_of(stream, region);
    CHECK_FAILS(pmemstream_publish(stream, region, NULL, entry, 9), EINVAL);
    CHECK_FAILS(pmemstream_async_publish(stream, region, NULL, entry, 9), EINVAL);
    CHECK_FAILS(pmemstream_publish(stream, region, NULL, entry, SIZE_MAX), EINVAL);
    CHECK_SAME_STATE(stream, region, before);
    /* Within the padding it is no larger. */
    publish(stream, region, second, 8);
    before = state_of(stream, region);
    CHECK_FAILS(pmemstream_publish(stream, region, NULL, entry, 9), EINVAL);
    CHECK_SAME_STATE(stream, region, before);
    publish(stream, region, entry, 8);

    /* The space is not there. */
    entry = reserve_text(stream, region, "last");
    before = state_of(stream, region);
    const size_t possible = before.usable_size + 8;
    CHECK_FAILS(pmemstream_publish(stream, region, NULL, entry, possible + 1), ENOSPC);
    CHECK_FAILS(pmemstream_async_publish(stream, region, NULL, entry, SIZE_MAX), ENOSPC);
    CHECK_SAME_STATE(stream, region, before);
    publish(stream, region, entry, possible);
    CHECK_EQUAL_OK(pmemstream_region_usable_size(stream, region), 0);
    CHECK_EQUAL(count_entries(stream, region), 4);
    fixture_crash(&fixture);
    CHECK_EQUAL(count_entries(fixture.stream, region), 4);
    fixture_delete(&fixture);
}

/* What the owner wrote behind his reservation is the entry's data, also where pages begin and the limit moves. */
static void larger_over_the_limit(void)
{
    enum { MORE = 40000 }; /* less than a step of the limit */
    static const size_t reserved[] = {8, 60000, 100000, 1040000};
    for (size_t i = 0; i < sizeof reserved / sizeof reserved[0]; ++i) {
        const size_t size = reserved[i] + MORE;
        unsigned char *expected = malloc(size);
        CHECK(expected != NULL);
        fill(expected, size, 1);
        struct fixture fixture = fixture_new(8 << 20, block);
        const struct pmemstream_region region = allocate(fixture.stream, 4 << 20);
        void *data = NULL;
        const struct pmemstream_entry entry = reserve(fixture.stream, region, reserved[i], &data);
        memcpy(data, expected, size);
        publish(fixture.stream, region, entry, size);
        CHECK(entry_is(fixture.stream, entry, expected, size));
        fixture_delete(&fixture);
        free(expected);
    }
}

static void not_reserved(void)
{
    struct fixture fixture = fixture_new(stream_size, block);
    struct pmemstream *stream = fixture.stream;
    const struct pmemstream_region region = allocate(stream, region_size);
    const struct pmemstream_region other = allocate(stream, region_size);
    const struct pmemstream_entry appended = append_text(stream, region, "appended");
    const struct pmemstream_entry twice = reserve_text(stream, region, "once");
    publish(stream, region, twice, 4);
    const struct pmemstream_entry reserved = reserve_text(stream, region, "reserved");
    const uint64_t offsets[] = {appended.offset,     twice.offset,         UINT64_MAX,          0,
                                region.offset,       region.offset + 8,    reserved.offset + 8, reserved.offset + 1,
                                reserved.offset - 8, reserved.offset + 24, stream_size,         1ULL << 62};
    const struct state before = state_of(stream, region);
    for (size_t i = 0; i < sizeof offsets / sizeof *offsets; ++i) {
        const struct pmemstream_entry entry = {offsets[i]};
        CHECK_FAILS(pmemstream_publish(stream, region, NULL, entry, 4), ENOENT);
        CHECK_FAILS(pmemstream_async_publish(stream, region, NULL, entry, 4), ENOENT);
    }
    CHECK_FAILS(pmemstream_publish(stream, other, NULL, reserved, 8), ENOENT);
    CHECK_SAME_STATE(stream, region, before);
    publish(stream, region, reserved, 8);
    CHECK_TEXTS(stream, region, "appended", "once", "reserved");
    CHECK_FAILS(pmemstream_publish(stream, region, NULL, reserved, 8), ENOENT);
    CHECK_TEXTS(stream, region, "appended", "once", "reserved");

    const struct pmemstream_entry doomed = reserve_text(stream, region, "doomed");
    CHECK_OK(pmemstream_region_free(stream, region));
    CHECK_FAILS(pmemstream_publish(stream, region, NULL, doomed, 6), ENOENT);
    fixture_delete(&fixture);
}

/* It holds up nobody in another region, nor who appends behind it. */
static void pending_holds_nobody_up(void)
{
    struct fixture fixture = fixture_new(stream_size, block);
    struct pmemstream *stream = fixture.stream;
    const struct pmemstream_region region = allocate(stream, region_size);
    const struct pmemstream_region other = allocate(stream, region_size);
    append_text(stream, region, "zero");
    const struct pmemstream_entry reserved = reserve_text(stream, region, "first");
    append_text(stream, other, "other");
    const struct pmemstream_entry behind = append_text(stream, region, "second");
    CHECK_EQUAL(pmemstream_persisted_timestamp(stream), 3);
    CHECK_TEXTS(stream, other, "other");
    CHECK(entry_is(stream, behind, "second", 6));
    /* An iterator goes up to the first reservation that is still open. */
    CHECK_TEXTS(stream, region, "zero");
    publish(stream, region, reserved, 5);
    CHECK_EQUAL(pmemstream_entry_timestamp(stream, reserved), 4);
    CHECK_TEXTS(stream, region, "zero", "first", "second");
    fixture_delete(&fixture);
}

static void append_behind_survives(void)
{
    for (int crash = 0; crash < 2; ++crash) {
        struct fixture fixture = fixture_new(stream_size, block);
        const struct pmemstream_region region = allocate(fixture.stream, region_size);
        append_text(fixture.stream, region, "zero");
        const struct pmemstream_entry reserved = reserve_text(fixture.stream, region, "never published");
        append_text(fixture.stream, region, "behind");
        const size_t usable = pmemstream_region_usable_size(fixture.stream, region);
        (crash ? fixture_crash : fixture_reopen)(&fixture);
        CHECK_TEXTS(fixture.stream, region, "zero", "behind");
        CHECK_FAILS_WITH(pmemstream_entry_data(fixture.stream, reserved), NULL, ENOENT);
        CHECK_FAILS(pmemstream_publish(fixture.stream, region, NULL, reserved, 15), ENOENT);
        CHECK_EQUAL(pmemstream_region_usable_size(fixture.stream, region), usable);
        append_text(fixture.stream, region, "after");
        CHECK_EQUAL(pmemstream_persisted_timestamp(fixture.stream), 3);
        fixture_crash(&fixture);
        CHECK_TEXTS(fixture.stream, region, "zero", "behind", "after");
        fixture_delete(&fixture);
    }
}

static void never_published(void)
{
    for (int crash = 0; crash < 2; ++crash) {
        struct fixture fixture = fixture_new(stream_size, block);
        const struct pmemstream_region region = allocate(fixture.stream, region_size);
        append_text(fixture.stream, region, "zero");
        const size_t usable = pmemstream_region_usable_size(fixture.stream, region);
        const struct pmemstream_entry first = reserve_text(fixture.stream, region, "first");
        reserve_text(fixture.stream, region, "second");
        (crash ? fixture_crash : fixture_reopen)(&fixture);
        CHECK_TEXTS(fixture.stream, region, "zero");
        CHECK_EQUAL(pmemstream_region_usable_size(fixture.stream, region), usable);
        CHECK_EQUAL(region_info_of(fixture.stream, region).open_reservations, 0);
        CHECK_FAILS(pmemstream_publish(fixture.stream, region, NULL, first, 5), ENOENT);
        CHECK_EQUAL(append_text(fixture.stream, region, "one").offset, first.offset);
        CHECK_TEXTS(fixture.stream, region, "zero", "one");
        fixture_delete(&fixture);
    }
}

/*
 * Three reservations and an append behind them, published in every order and with every choice of sizes; after each
 * step a crash must leave exactly what was published.
 */
static void every_order(void)
{
    static const int orders[6][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
    static const char *const texts[3] = {"the first one with its text", "second, a longer one than the others are",
                                         "third"};
    for (int order = 0; order < 6; ++order)
        for (int choice = 0; choice < 16; ++choice)
            for (int steps = 0; steps <= 3; ++steps) {
                struct fixture fixture = fixture_new(stream_size, block);
                const struct pmemstream_region region = allocate(fixture.stream, region_size);
                struct pmemstream_entry entries[3];
                const char *expected[6] = {NULL};
                char shorter[3][64];
                for (int i = 0; i < 3; ++i)
                    entries[i] = reserve_text(fixture.stream, region, texts[i]);
                const int behind = choice >> 3;
                if (behind)
                    append_text(fixture.stream, region, "behind");
                const char *published[3] = {NULL};
                for (int step = 0; step < steps; ++step) {
                    const int i = orders[order][step];
                    const size_t size = strlen(texts[i]) - (choice >> i & 1 ? strlen(texts[i]) / 2 : 0);
                    publish(fixture.stream, region, entries[i], size);
                    memcpy(shorter[i], texts[i], size);
                    shorter[i][size] = '\0';
                    published[i] = shorter[i];
                }
                int count = 0;
                for (int i = 0; i < 3; ++i)
                    if (published[i] != NULL)
                        expected[count++] = published[i];
                if (behind)
                    expected[count++] = "behind";
                if (steps == 3)
                    check_texts(fixture.stream, region, expected);
                fixture_crash(&fixture);
                check_texts(fixture.stream, region, expected);
                CHECK_EQUAL(pmemstream_persisted_timestamp(fixture.stream), count);
                append_text(fixture.stream, region, "after");
                expected[count] = "after";
                fixture_crash(&fixture);
                check_texts(fixture.stream, region, expected);
                struct pmemstream_verify_result verified;
                CHECK_OK(pmemstream_verify(fixture.stream, NULL, NULL, &verified));
                CHECK(verified.damages == 0 && verified.entries == (uint64_t)count + 1);
                fixture_delete(&fixture);
            }
}

static void asynchronously(void)
{
    struct fixture fixture = fixture_new(stream_size, block);
    struct pmemstream *stream = fixture.stream;
    const struct pmemstream_region region = allocate(stream, region_size);
    const struct pmemstream_entry first = reserve_text(stream, region, "first");
    const struct pmemstream_entry second = reserve_text(stream, region, "second");
    CHECK_OK(pmemstream_async_publish(stream, region, NULL, second, 6));
    CHECK_OK(pmemstream_async_publish(stream, region, NULL, first, 5));
    CHECK_FAILS(pmemstream_async_publish(stream, region, NULL, first, 5), ENOENT);
    CHECK_EQUAL(pmemstream_entry_timestamp(stream, second), 1);
    CHECK_EQUAL(pmemstream_entry_timestamp(stream, first), 2);
    wait_persisted(stream, 2);
    CHECK_EQUAL(pmemstream_persisted_timestamp(stream), 2);
    CHECK_TEXTS(stream, region, "first", "second");
    fixture_crash(&fixture);
    CHECK_TEXTS(fixture.stream, region, "first", "second");
    fixture_delete(&fixture);
}

/* A reservation is no entry, also where an entry of a region freed before lay. */
static void over_an_earlier_life(void)
{
    struct fixture fixture = fixture_new(1 << 20, 4096);
    const struct pmemstream_region freed = allocate(fixture.stream, 1000);
    const struct pmemstream_entry before = append_text(fixture.stream, freed, "of an earlier life");
    CHECK_OK(pmemstream_region_free(fixture.stream, freed));
    const struct pmemstream_region region = allocate(fixture.stream, 1000);
    CHECK_EQUAL(region.offset, freed.offset);
    struct pmemstream_entry entry;
    void *data;
    CHECK_OK(pmemstream_reserve(fixture.stream, region, NULL, 18, &entry, &data));
    CHECK_EQUAL(entry.offset, before.offset);
    CHECK_FAILS_WITH(pmemstream_entry_data(fixture.stream, entry), NULL, ENOENT);
    CHECK_FAILS_WITH(pmemstream_entry_timestamp(fixture.stream, entry), 0, ENOENT);
    fixture_delete(&fixture);
}

static void aborting(void)
{
    struct fixture fixture = fixture_new(stream_size, block);
    struct pmemstream *stream = fixture.stream;
    const struct pmemstream_region region = allocate(stream, region_size);
    struct pmemstream_region_runtime *runtime;
    CHECK_OK(pmemstream_region_runtime_initialize(stream, region, &runtime));
    append_text(stream, region, "zero");
    const size_t usable = pmemstream_region_usable_size(stream, region);

    /* With nothing behind it but what was given back before, the space is free again. */
    const struct pmemstream_entry first = reserve_text(stream, region, "first");
    const struct pmemstream_entry second = reserve_text(stream, region, "second");
    CHECK_OK(pmemstream_abort(stream, region, NULL, first));
    CHECK(pmemstream_region_usable_size(stream, region) < usable);
    CHECK_EQUAL(region_info_of(stream, region).open_reservations, 1);
    CHECK_OK(pmemstream_abort(stream, region, runtime, second));
    CHECK_EQUAL(pmemstream_region_usable_size(stream, region), usable);
    CHECK_EQUAL(region_info_of(stream, region).open_reservations, 0);
    CHECK_FAILS(pmemstream_abort(stream, region, NULL, second), ENOENT);
    CHECK_FAILS(pmemstream_publish(stream, region, NULL, first, 5), ENOENT);
    CHECK_FAILS(pmemstream_async_publish(stream, region, NULL, second, 6), ENOENT);
    CHECK_TEXTS(stream, region, "zero");

    /* With an entry behind it, it is stepped over. */
    const struct pmemstream_entry third = reserve_text(stream, region, "third");
    CHECK_EQUAL(third.offset, first.offset);
    append_text(stream, region, "behind");
    CHECK_TEXTS(stream, region, "zero");
    CHECK_OK(pmemstream_abort(stream, region, NULL, third));
    CHECK_TEXTS(stream, region, "zero", "behind");
    CHECK_FAILS_WITH(pmemstream_entry_data(stream, third), NULL, ENOENT);

    /* With another reservation behind it, too, once that is published. */
    const struct pmemstream_entry fourth = reserve_text(stream, region, "fourth");
    const struct pmemstream_entry fifth = reserve_text(stream, region, "fifth");
    CHECK_OK(pmemstream_abort(stream, region, NULL, fourth));
    publish(stream, region, fifth, 5);
    CHECK_TEXTS(stream, region, "zero", "behind", "fifth");
    CHECK_FAILS(pmemstream_abort(stream, region, NULL, fifth), ENOENT);
    CHECK_FAILS(pmemstream_abort(NULL, region, NULL, fifth), EINVAL);
    const size_t left = pmemstream_region_usable_size(stream, region);
    for (int round = 0; round < 3; ++round) {
        CHECK_TEXTS(fixture.stream, region, "zero", "behind", "fifth");
        CHECK_EQUAL(pmemstream_region_usable_size(fixture.stream, region), left);
        (round == 0 ? fixture_crash : fixture_reopen)(&fixture);
    }
    fixture_delete(&fixture);
}

int main(void)
{
    plain();
    smaller();
    larger();
    larger_over_the_limit();
    not_reserved();
    pending_holds_nobody_up();
    append_behind_survives();
    never_published();
    every_order();
    asynchronously();
    over_an_earlier_life();
    aborting();
    return 0;
}
