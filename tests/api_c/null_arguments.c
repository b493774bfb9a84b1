/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright the pmemstream authors */

/* NULL where something is needed, in every function: an error, and nothing is changed. */

#include "fixture.h"

enum { block = 4096, stream_size = 256 * 1024 };

static void no_stream(void)
{
    const struct pmemstream_region region = {8192};
    const struct pmemstream_entry entry = {8256};
    struct pmemstream_region other = {7};
    struct pmemstream_entry given = {7};
    struct pmemstream_region_runtime *runtime = NULL;
    struct pmemstream_region_iterator *regions = NULL;
    struct pmemstream_entry_iterator *entries = NULL;
    struct pmemstream_info info;
    struct pmemstream_region_info region_info;
    struct pmemstream_dropped_entry dropped;
    struct pmemstream_verify_result result;
    void *data = &data;
    CHECK_FAILS(pmemstream_region_allocate(NULL, 1, &other), EINVAL);
    CHECK_FAILS(pmemstream_region_free(NULL, region), EINVAL);
    CHECK_FAILS_WITH(pmemstream_region_size(NULL, region), 0, EINVAL);
    CHECK_FAILS_WITH(pmemstream_region_usable_size(NULL, region), 0, EINVAL);
    CHECK_FAILS(pmemstream_region_runtime_initialize(NULL, region, &runtime), EINVAL);
    CHECK_FAILS(pmemstream_reserve(NULL, region, NULL, 1, &given, &data), EINVAL);
    CHECK_FAILS(pmemstream_publish(NULL, region, NULL, entry, 1), EINVAL);
    CHECK_FAILS(pmemstream_async_publish(NULL, region, NULL, entry, 1), EINVAL);
    CHECK_FAILS(pmemstream_append(NULL, region, NULL, "x", 1, &given), EINVAL);
    CHECK_FAILS(pmemstream_async_append(NULL, NULL, region, NULL, "x", 1, &given), EINVAL);
    CHECK_FAILS_WITH(pmemstream_committed_timestamp(NULL), PMEMSTREAM_INVALID_TIMESTAMP, EINVAL);
    CHECK_FAILS_WITH(pmemstream_persisted_timestamp(NULL), PMEMSTREAM_INVALID_TIMESTAMP, EINVAL);
    CHECK_FAILS_WITH(pmemstream_entry_data(NULL, entry), NULL, EINVAL);
    CHECK_FAILS_WITH(pmemstream_entry_size(NULL, entry), 0, EINVAL);
    CHECK_FAILS_WITH(pmemstream_entry_timestamp(NULL, entry), PMEMSTREAM_INVALID_TIMESTAMP, EINVAL);
    CHECK_FAILS(pmemstream_region_iterator_new(&regions, NULL), EINVAL);
    CHECK_FAILS(pmemstream_entry_iterator_new(&entries, NULL, region), EINVAL);
    CHECK_FAILS(pmemstream_get_info(NULL, &info, sizeof info), EINVAL);
    CHECK_FAILS(pmemstream_get_region_info(NULL, region, &region_info, sizeof region_info), EINVAL);
    CHECK_FAILS(pmemstream_get_dropped_entry(NULL, 0, &dropped), EINVAL);
    CHECK_FAILS(pmemstream_verify(NULL, NULL, NULL, &result), EINVAL);
    CHECK(other.offset == 7 && given.offset == 7 && data == &data);
    CHECK(runtime == NULL && regions == NULL && entries == NULL);
    pmemstream_delete(NULL);
    struct pmemstream *none = NULL;
    pmemstream_delete(&none);
}

static void no_place_for_the_result(void)
{
    struct fixture fixture = fixture_new(stream_size, block);
    const struct pmemstream_region region = allocate(fixture.stream, 1000);
    append_text(fixture.stream, region, "there");
    const struct state before = state_of(fixture.stream, region);
    struct pmemstream_entry entry = {7};
    void *data = &data;
    CHECK_FAILS(pmemstream_from_map(NULL, block, fixture.map), EINVAL);
    CHECK_FAILS(pmemstream_create("/nowhere", NULL, NULL), EINVAL);
    CHECK_FAILS(pmemstream_open("/nowhere", NULL, NULL), EINVAL);
    CHECK_FAILS(pmemstream_region_allocate(fixture.stream, 1, NULL), EINVAL);
    CHECK_FAILS(pmemstream_region_runtime_initialize(fixture.stream, region, NULL), EINVAL);
    CHECK_FAILS(pmemstream_reserve(fixture.stream, region, NULL, 1, NULL, &data), EINVAL);
    CHECK_FAILS(pmemstream_reserve(fixture.stream, region, NULL, 1, &entry, NULL), EINVAL);
    CHECK_FAILS(pmemstream_append(fixture.stream, region, NULL, NULL, 1, &entry), EINVAL);
    CHECK_FAILS(pmemstream_async_append(fixture.stream, NULL, region, NULL, NULL, 1, &entry), EINVAL);
    CHECK_FAILS(pmemstream_region_iterator_new(NULL, fixture.stream), EINVAL);
    CHECK_FAILS(pmemstream_entry_iterator_new(NULL, fixture.stream, region), EINVAL);
    CHECK_FAILS(pmemstream_get_info(fixture.stream, NULL, 1), EINVAL);
    CHECK_FAILS(pmemstream_get_region_info(fixture.stream, region, NULL, 1), EINVAL);
    CHECK_FAILS(pmemstream_get_dropped_entry(fixture.stream, 0, NULL), EINVAL);
    CHECK(entry.offset == 7 && data == &data);
    CHECK_SAME_STATE(fixture.stream, region, before);
    CHECK_TEXTS(fixture.stream, region, "there");
    fixture_delete(&fixture);
}

static void no_iterator(void)
{
    struct pmemstream_region_iterator *regions = NULL;
    struct pmemstream_entry_iterator *entries = NULL;
    CHECK_FAILS(pmemstream_region_iterator_is_valid(NULL), EINVAL);
    CHECK_FAILS(pmemstream_entry_iterator_is_valid(NULL), EINVAL);
    CHECK_FAILS(pmemstream_entry_iterator_skip_damage(NULL), EINVAL);
    CHECK_EQUAL(pmemstream_region_iterator_get(NULL).offset, PMEMSTREAM_INVALID_OFFSET);
    CHECK_EQUAL(pmemstream_entry_iterator_get(NULL).offset, PMEMSTREAM_INVALID_OFFSET);
    pmemstream_region_iterator_seek_first(NULL);
    pmemstream_region_iterator_next(NULL);
    pmemstream_region_iterator_delete(NULL);
    pmemstream_region_iterator_delete(&regions);
    pmemstream_entry_iterator_seek_first(NULL);
    pmemstream_entry_iterator_next(NULL);
    pmemstream_entry_iterator_delete(NULL);
    pmemstream_entry_iterator_delete(&entries);
}

int main(void)
{
    no_stream();
    no_place_for_the_result();
    no_iterator();
    return 0;
}
