/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright the pmemstream authors */

/* Several threads: in one region, each in its own, with reservations, and while regions come and go. */

#include "fixture.h"

#include <pthread.h>

enum { block = 4096, stream_size = 8 << 20, writers = 4, rounds = 300 };

struct writer {
    struct pmemstream *stream;
    struct pmemstream_region region;
    unsigned number;
    bool churns;
};

struct payload {
    unsigned writer;
    unsigned round;
    unsigned char bytes[3000];
};

static size_t make_payload(struct payload *payload, unsigned writer, unsigned round)
{
    /* Now and then more than is written from the stack. */
    const size_t most = round % 13 == 0 ? sizeof payload->bytes : 120;
    const size_t size = 8 + (writer * 31 + round * (round % 13 == 0 ? 997 : 7)) % most;
    payload->writer = writer;
    payload->round = round;
    fill(payload->bytes, size - 8, writer * 1000 + round);
    return size;
}

static void *write_entries(void *arg)
{
    const struct writer *writer = arg;
    struct pmemstream *stream = writer->stream;
    for (unsigned round = 0; round < rounds; ++round) {
        struct payload payload;
        const size_t size = make_payload(&payload, writer->number, round);
        struct pmemstream_entry entry;
        void *data;
        switch (round % 4) {
        case 0:
            CHECK_OK(pmemstream_append(stream, writer->region, NULL, &payload, size, &entry));
            break;
        case 1:
            CHECK_OK(pmemstream_reserve(stream, writer->region, NULL, size + round % 20, &entry, &data));
            memcpy(data, &payload, size);
            CHECK_OK(pmemstream_publish(stream, writer->region, NULL, entry, size));
            break;
        case 2:
            CHECK_OK(pmemstream_reserve(stream, writer->region, NULL, size, &entry, &data));
            memcpy(data, &payload, size);
            CHECK_OK(pmemstream_async_publish(stream, writer->region, NULL, entry, size));
            break;
        default:
            CHECK_OK(pmemstream_async_append(stream, NULL, writer->region, NULL, &payload, size, &entry));
            break;
        }
        const uint64_t timestamp = pmemstream_entry_timestamp(stream, entry);
        CHECK(timestamp != 0);
        if (round % 4 < 2)
            CHECK(pmemstream_persisted_timestamp(stream) >= timestamp);
        if (round % 32 == 0)
            wait_persisted(stream, timestamp);
        CHECK(entry_is(stream, entry, &payload, size));
        if (writer->churns && round % 10 == 0) {
            const struct pmemstream_region own = allocate(stream, 5000);
            append_text(stream, own, "short-lived");
            CHECK_TEXTS(stream, own, "short-lived");
            CHECK_OK(pmemstream_region_free(stream, own));
        }
    }
    return NULL;
}

/* Each writer's entries are all there, once; offsets and timestamps are all different. */
static void check_all(struct pmemstream *stream, const struct pmemstream_region *regions, int count)
{
    static unsigned char seen[writers][rounds];
    memset(seen, 0, sizeof seen);
    for (int i = 0; i < count; ++i) {
        struct pmemstream_entry_iterator *iterator;
        CHECK_OK(pmemstream_entry_iterator_new(&iterator, stream, regions[i]));
        pmemstream_entry_iterator_seek_first(iterator);
        for (; pmemstream_entry_iterator_is_valid(iterator) == 0; pmemstream_entry_iterator_next(iterator)) {
            const struct pmemstream_entry entry = pmemstream_entry_iterator_get(iterator);
            const struct payload *found = pmemstream_entry_data(stream, entry);
            CHECK(found->writer < writers && found->round < rounds);
            struct payload payload;
            const size_t size = make_payload(&payload, found->writer, found->round);
            CHECK(entry_is(stream, entry, &payload, size));
            ++seen[found->writer][found->round];
        }
        CHECK_EQUAL(errno, ENOENT);
        pmemstream_entry_iterator_delete(&iterator);
    }
    for (int writer = 0; writer < writers; ++writer)
        for (int round = 0; round < rounds; ++round)
            CHECK_EQUAL(seen[writer][round], 1);
}

static void together(int region_count, bool churns)
{
    struct fixture fixture = fixture_new(stream_size, block);
    struct pmemstream_region regions[writers];
    for (int i = 0; i < region_count; ++i)
        regions[i] = allocate(fixture.stream, (size_t)1 << 20);
    struct writer arguments[writers];
    pthread_t threads[writers];
    for (unsigned i = 0; i < writers; ++i) {
        const struct writer writer = {fixture.stream, regions[i % (unsigned)region_count], i, churns};
        arguments[i] = writer;
        CHECK(pthread_create(&threads[i], NULL, write_entries, &arguments[i]) == 0);
    }
    for (int i = 0; i < writers; ++i)
        CHECK(pthread_join(threads[i], NULL) == 0);
    check_all(fixture.stream, regions, region_count);
    fixture_reopen(&fixture);
    check_all(fixture.stream, regions, region_count);
    const uint64_t short_lived = churns ? writers * (rounds / 10) : 0;
    CHECK_EQUAL(pmemstream_persisted_timestamp(fixture.stream), writers * rounds + short_lived);
    CHECK_EQUAL(info_of(fixture.stream).region_count, region_count);
    fixture_delete(&fixture);
}

int main(void)
{
    together(1, false);
    together(writers, false);
    together(2, true);
    return 0;
}
