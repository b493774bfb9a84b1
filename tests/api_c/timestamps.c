/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright the pmemstream authors */

/* Timestamps: consecutive over the whole stream, taken by successful calls only, going on after a reopen. */

#include "fixture.h"

enum { block = 4096, stream_size = 256 * 1024 };

static void without_stream(void)
{
    CHECK_FAILS_WITH(pmemstream_committed_timestamp(NULL), 0, EINVAL);
    CHECK_FAILS_WITH(pmemstream_persisted_timestamp(NULL), 0, EINVAL);
}

static void check_timestamps(struct pmemstream *stream, uint64_t expected)
{
    CHECK_EQUAL_OK(pmemstream_committed_timestamp(stream), expected);
    CHECK_EQUAL_OK(pmemstream_persisted_timestamp(stream), expected);
    CHECK_EQUAL(info_of(stream).committed_timestamp, expected);
    CHECK_EQUAL(info_of(stream).persisted_timestamp, expected);
}

static void consecutive(void)
{
    struct fixture fixture = fixture_new(stream_size, block);
    struct pmemstream *stream = fixture.stream;
    const struct pmemstream_region regions[] = {allocate(stream, 4000), allocate(stream, 4000)};
    check_timestamps(stream, 0);
    uint64_t last = 0;
    for (int i = 0; i < 40; ++i) {
        const struct pmemstream_region region = regions[i / 3 % 2];
        struct pmemstream_entry entry = {7};
        void *data;
        switch (i % 4) {
        case 0:
            entry = append_text(stream, region, "append");
            break;
        case 1:
            CHECK_OK(pmemstream_async_append(stream, NULL, region, NULL, "async", 5, &entry));
            CHECK_EQUAL(pmemstream_entry_timestamp(stream, entry), last + 1);
            ++last;
            continue;
        case 2:
            CHECK_OK(pmemstream_reserve(stream, region, NULL, 8, &entry, &data));
            /* Given at publish, not at reserve. */
            append_text(stream, regions[0], "between");
            ++last;
            CHECK_OK(pmemstream_publish(stream, region, NULL, entry, 0));
            break;
        default:
            CHECK(pmemstream_append(stream, region, NULL, "fails", 5000, &entry) == -1);
            CHECK(pmemstream_async_append(stream, NULL, region, NULL, NULL, 5, &entry) == -1);
            CHECK(pmemstream_publish(stream, region, NULL, entry, 5) == -1);
            check_timestamps(stream, last);
            continue;
        }
        CHECK_EQUAL(pmemstream_entry_timestamp(stream, entry), ++last);
        check_timestamps(stream, last);
    }
    for (int crash = 1; crash >= 0; --crash) {
        (crash ? fixture_crash : fixture_reopen)(&fixture);
        check_timestamps(fixture.stream, last);
        CHECK_EQUAL(pmemstream_entry_timestamp(fixture.stream, append_text(fixture.stream, regions[1], "next")),
                    last + 1);
        check_timestamps(fixture.stream, ++last);
    }
    /* Also once the regions are gone. */
    for (int i = 0; i < 2; ++i)
        CHECK_OK(pmemstream_region_free(fixture.stream, regions[i]));
    check_timestamps(fixture.stream, last);
    fixture_crash(&fixture);
    check_timestamps(fixture.stream, last);
    const struct pmemstream_region region = allocate(fixture.stream, 100);
    CHECK_EQUAL(pmemstream_entry_timestamp(fixture.stream, append_text(fixture.stream, region, "next")), last + 1);
    fixture_delete(&fixture);
}

/* After a crash numbering goes on behind what survived, be it less than what was committed. */
static void after_a_crash(void)
{
    struct fixture fixture = fixture_new(stream_size, block);
    const struct pmemstream_region region = allocate(fixture.stream, 4000);
    append_text(fixture.stream, region, "persisted");
    CHECK_OK(pmemstream_async_append(fixture.stream, NULL, region, NULL, "committed", 9, NULL));
    CHECK(pmemstream_committed_timestamp(fixture.stream) >= pmemstream_persisted_timestamp(fixture.stream));
    fixture_crash(&fixture);
    const uint64_t persisted = pmemstream_persisted_timestamp(fixture.stream);
    CHECK(persisted >= 1);
    CHECK_EQUAL(count_entries(fixture.stream, region), persisted);
    CHECK_EQUAL(pmemstream_entry_timestamp(fixture.stream, append_text(fixture.stream, region, "next")), persisted + 1);
    fixture_delete(&fixture);
}

int main(void)
{
    without_stream();
    consecutive();
    after_a_crash();
    return 0;
}
