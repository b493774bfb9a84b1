/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright the pmemstream authors */

/* The names and types that programs written for libpmemstream 0.2 rely on, and those of 1.1, pinned exactly. */

#include "check.h"

#define PIN(name, result, ...)                                                                                         \
    _Static_assert(_Generic(&(name), result(*)(__VA_ARGS__) : 1, default : 0), #name " has another type")

typedef struct pmemstream stream_t;
typedef struct pmemstream_region region_t;
typedef struct pmemstream_entry entry_t;
typedef struct pmemstream_region_runtime runtime_t;
typedef struct pmemstream_region_iterator region_iterator_t;
typedef struct pmemstream_entry_iterator entry_iterator_t;

PIN(pmemstream_from_map, int, stream_t **, size_t, struct pmem2_map *);
PIN(pmemstream_delete, void, stream_t **);
PIN(pmemstream_region_allocate, int, stream_t *, size_t, region_t *);
PIN(pmemstream_region_free, int, stream_t *, region_t);
PIN(pmemstream_region_size, size_t, stream_t *, region_t);
PIN(pmemstream_region_usable_size, size_t, stream_t *, region_t);
PIN(pmemstream_region_runtime_initialize, int, stream_t *, region_t, runtime_t **);
PIN(pmemstream_reserve, int, stream_t *, region_t, runtime_t *, size_t, entry_t *, void **);
PIN(pmemstream_publish, int, stream_t *, region_t, runtime_t *, entry_t, size_t);
PIN(pmemstream_append, int, stream_t *, region_t, runtime_t *, const void *, size_t, entry_t *);
PIN(pmemstream_async_publish, int, stream_t *, region_t, runtime_t *, entry_t, size_t);
PIN(pmemstream_async_append, int, stream_t *, struct vdm *, region_t, runtime_t *, const void *, size_t, entry_t *);
PIN(pmemstream_committed_timestamp, uint64_t, stream_t *);
PIN(pmemstream_persisted_timestamp, uint64_t, stream_t *);
PIN(pmemstream_async_wait_committed, struct pmemstream_async_wait_fut, stream_t *, uint64_t);
PIN(pmemstream_async_wait_persisted, struct pmemstream_async_wait_fut, stream_t *, uint64_t);
PIN(pmemstream_entry_data, const void *, stream_t *, entry_t);
PIN(pmemstream_entry_size, size_t, stream_t *, entry_t);
PIN(pmemstream_entry_timestamp, uint64_t, stream_t *, entry_t);
PIN(pmemstream_region_iterator_new, int, region_iterator_t **, stream_t *);
PIN(pmemstream_region_iterator_is_valid, int, region_iterator_t *);
PIN(pmemstream_region_iterator_seek_first, void, region_iterator_t *);
PIN(pmemstream_region_iterator_next, void, region_iterator_t *);
PIN(pmemstream_region_iterator_get, region_t, region_iterator_t *);
PIN(pmemstream_region_iterator_delete, void, region_iterator_t **);
PIN(pmemstream_entry_iterator_new, int, entry_iterator_t **, stream_t *, region_t);
PIN(pmemstream_entry_iterator_is_valid, int, entry_iterator_t *);
PIN(pmemstream_entry_iterator_seek_first, void, entry_iterator_t *);
PIN(pmemstream_entry_iterator_next, void, entry_iterator_t *);
PIN(pmemstream_entry_iterator_get, entry_t, entry_iterator_t *);
PIN(pmemstream_entry_iterator_delete, void, entry_iterator_t **);

PIN(pmemstream_errormsg, const char *, void);
PIN(pmemstream_create, int, const char *, const struct pmemstream_options *, stream_t **);
PIN(pmemstream_grow, int, stream_t *, uint64_t);
PIN(pmemstream_open, int, const char *, const struct pmemstream_options *, stream_t **);
PIN(pmemstream_get_info, int, stream_t *, struct pmemstream_info *, size_t);
PIN(pmemstream_get_region_info, int, stream_t *, region_t, struct pmemstream_region_info *, size_t);
PIN(pmemstream_get_dropped_entry, int, stream_t *, uint64_t, struct pmemstream_dropped_entry *);
PIN(pmemstream_verify, int, stream_t *, int (*)(const struct pmemstream_damage *, void *), void *,
    struct pmemstream_verify_result *);
PIN(pmemstream_entry_iterator_skip_damage, int, entry_iterator_t *);

/* Layouts: a program that was compiled against 0.2 has them inside. */
#define MEMBER(type, member, member_type, offset)                                                                      \
    _Static_assert(_Generic(&((type *)0)->member, member_type * : 1, default : 0), #type "." #member);                 \
    _Static_assert(offsetof(type, member) == (offset), #type "." #member)

MEMBER(struct pmemstream_region, offset, uint64_t, 0);
_Static_assert(sizeof(struct pmemstream_region) == 8, "region");
MEMBER(struct pmemstream_entry, offset, uint64_t, 0);
_Static_assert(sizeof(struct pmemstream_entry) == 8, "entry");
MEMBER(struct pmemstream_async_wait_data, stream, struct pmemstream *, 0);
MEMBER(struct pmemstream_async_wait_data, timestamp, uint64_t, 8);
MEMBER(struct pmemstream_async_wait_data, first_timestamp, uint64_t, 16);
MEMBER(struct pmemstream_async_wait_data, processing_timestamp, uint64_t, 24);
MEMBER(struct pmemstream_async_wait_data, last_timestamp, uint64_t, 32);
_Static_assert(sizeof(struct pmemstream_async_wait_data) == 40, "wait data");
MEMBER(struct pmemstream_async_wait_output, error_code, int, 0);
_Static_assert(sizeof(struct pmemstream_async_wait_output) == 4, "wait output");
MEMBER(struct pmemstream_async_wait_fut, base, struct future, 0);
MEMBER(struct pmemstream_async_wait_fut, data, struct pmemstream_async_wait_data, 40);
MEMBER(struct pmemstream_async_wait_fut, output, struct pmemstream_async_wait_output, 80);
_Static_assert(sizeof(struct pmemstream_async_wait_fut) == 88, "wait future");

_Static_assert(PMEMSTREAM_INVALID_OFFSET == UINT64_MAX, "invalid offset");
_Static_assert(PMEMSTREAM_INVALID_TIMESTAMP == 0, "invalid timestamp");
_Static_assert(PMEMSTREAM_FIRST_TIMESTAMP == 1, "first timestamp");

int main(void)
{
    CHECK(pmemstream_errormsg() != NULL);
    CHECK(pmemstream_errormsg()[0] == '\0');
    const struct pmemstream_options options = PMEMSTREAM_OPTIONS_INIT;
    CHECK_EQUAL(options.struct_size, sizeof options);
    CHECK(options.size == 0 && options.block_size == 0 && options.read_only == 0 && options.check_data == 0);
    return 0;
}
