/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright the pmemstream authors */

/* Region runtimes: one for each life of a region, of use for that region only. */

#include "fixture.h"

enum { block = 4096, stream_size = 256 * 1024 };

static void same_one_each_time(void)
{
    struct fixture fixture = fixture_new(stream_size, block);
    const struct pmemstream_region regions[] = {allocate(fixture.stream, 100), allocate(fixture.stream, 100)};
    struct pmemstream_region_runtime *runtimes[2] = {NULL, NULL};
    for (int i = 0; i < 2; ++i) {
        struct pmemstream_region_runtime *again = NULL;
        CHECK_OK(pmemstream_region_runtime_initialize(fixture.stream, regions[i], &runtimes[i]));
        CHECK_OK(pmemstream_append(fixture.stream, regions[i], runtimes[i], "with", 4, NULL));
        CHECK_OK(pmemstream_append(fixture.stream, regions[i], NULL, "without", 7, NULL));
        CHECK_OK(pmemstream_region_runtime_initialize(fixture.stream, regions[i], &again));
        CHECK(runtimes[i] != NULL && again == runtimes[i]);
    }
    CHECK(runtimes[0] != runtimes[1]);
    fixture_delete(&fixture);
}

#define CHECK_NOT_ITS_OWN(call)                                                                                        \
    do {                                                                                                               \
        errno = ERRNO_UNTOUCHED;                                                                                       \
        if ((call) != -1 || (errno != EINVAL && errno != ENOENT))                                                      \
            CHECK_REPORT("accepted: %s", #call);                                                                       \
    } while (0)

/* The functions that take a runtime refuse this one, and change nothing. */
static void check_refused(struct pmemstream *stream, struct pmemstream_region region,
                          struct pmemstream_region_runtime *runtime)
{
    struct pmemstream_entry reserved;
    void *data;
    CHECK_OK(pmemstream_reserve(stream, region, NULL, 8, &reserved, &data));
    const struct state before = state_of(stream, region);
    struct pmemstream_entry entry = {7};
    data = &data;
    CHECK_NOT_ITS_OWN(pmemstream_append(stream, region, runtime, "x", 1, &entry));
    CHECK_NOT_ITS_OWN(pmemstream_async_append(stream, NULL, region, runtime, "x", 1, &entry));
    CHECK_NOT_ITS_OWN(pmemstream_reserve(stream, region, runtime, 1, &entry, &data));
    CHECK_NOT_ITS_OWN(pmemstream_publish(stream, region, runtime, reserved, 8));
    CHECK_NOT_ITS_OWN(pmemstream_async_publish(stream, region, runtime, reserved, 8));
    CHECK(entry.offset == 7 && data == &data);
    CHECK_SAME_STATE(stream, region, before);
    CHECK_OK(pmemstream_publish(stream, region, NULL, reserved, 0));
}

static void of_another_region(void)
{
    struct fixture fixture = fixture_new(stream_size, block);
    const struct pmemstream_region regions[] = {allocate(fixture.stream, 100), allocate(fixture.stream, 100)};
    struct pmemstream_region_runtime *runtime = NULL;
    CHECK_OK(pmemstream_region_runtime_initialize(fixture.stream, regions[1], &runtime));
    const struct state before = state_of(fixture.stream, regions[1]);
    check_refused(fixture.stream, regions[0], runtime);
    CHECK_EQUAL(before.region_end, state_of(fixture.stream, regions[1]).region_end);
    fixture_delete(&fixture);
}

/* Although the region lies at the same offset there. */
static void of_another_stream(void)
{
    struct fixture fixture = fixture_new(stream_size, block);
    struct fixture other = fixture_new(stream_size, block);
    const struct pmemstream_region region = allocate(fixture.stream, 100);
    CHECK_EQUAL(allocate(other.stream, 100).offset, region.offset);
    struct pmemstream_region_runtime *runtime = NULL;
    CHECK_OK(pmemstream_region_runtime_initialize(other.stream, region, &runtime));
    const struct state before = state_of(other.stream, region);
    check_refused(fixture.stream, region, runtime);
    CHECK_SAME_STATE(other.stream, region, before);
    fixture_delete(&other);
    fixture_delete(&fixture);
}

/* Also once the space belongs to a new region: that has a runtime of its own. */
static void of_a_freed_region(void)
{
    struct fixture fixture = fixture_new(stream_size, block);
    for (int round = 0; round < 3; ++round) {
        const struct pmemstream_region region = allocate(fixture.stream, 100);
        struct pmemstream_region_runtime *stale = NULL;
        struct pmemstream_region_runtime *runtime = NULL;
        CHECK_OK(pmemstream_region_runtime_initialize(fixture.stream, region, &stale));
        CHECK_OK(pmemstream_region_free(fixture.stream, region));
        CHECK_FAILS(pmemstream_append(fixture.stream, region, stale, "x", 1, NULL), ENOENT);
        CHECK_EQUAL(allocate(fixture.stream, 100).offset, region.offset);
        CHECK_OK(pmemstream_region_runtime_initialize(fixture.stream, region, &runtime));
        CHECK(runtime != stale);
        check_refused(fixture.stream, region, stale);
        CHECK_OK(pmemstream_append(fixture.stream, region, runtime, "x", 1, NULL));
    }
    fixture_delete(&fixture);
}

int main(void)
{
    same_one_each_time();
    of_another_region();
    of_another_stream();
    of_a_freed_region();
    return 0;
}
