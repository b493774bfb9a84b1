/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright the pmemstream authors */

/*
 * Appends asynchronously to a new stream in FILE: the copies are made by a data mover's threads, and one wait at the
 * end makes all entries durable together, which costs about as much as making one durable.
 */
#include <libpmemstream.h>

#include <stdio.h>

#define ENTRY_COUNT 1000
#define ENTRY_SIZE 4096

/* The data must stay as it is until the entries are committed. */
static char data[ENTRY_COUNT][ENTRY_SIZE];

static int fail(const char *what)
{
    fprintf(stderr, "%s: %s\n", what, pmemstream_errormsg());
    return 1;
}

/* Starts all appends and gives the last one's timestamp, or 0. Nothing need be durable when it returns. */
static uint64_t start_appends(struct pmemstream *stream, struct pmemstream_region region, struct vdm *mover)
{
    struct pmemstream_region_runtime *region_runtime;
    if (pmemstream_region_runtime_initialize(stream, region, &region_runtime) != 0)
        return 0;

    struct pmemstream_entry entry;
    for (int i = 0; i < ENTRY_COUNT; ++i) {
        snprintf(data[i], ENTRY_SIZE, "entry %d", i);
        if (pmemstream_async_append(stream, mover, region, region_runtime, data[i], ENTRY_SIZE, &entry) != 0)
            return 0;
    }
    return pmemstream_entry_timestamp(stream, entry);
}

int main(int argc, char *argv[])
{
    if (argc != 2) {
        fprintf(stderr, "usage: %s FILE\n", argv[0]);
        return 2;
    }

    struct pmemstream *stream;
    struct pmemstream_region region;
    struct pmemstream_options options = PMEMSTREAM_OPTIONS_INIT;
    options.size = 8 * 1024 * 1024;
    if (pmemstream_create(argv[1], &options, &stream) != 0)
        return fail(argv[1]);
    if (pmemstream_region_allocate(stream, (ENTRY_SIZE + 16) * ENTRY_COUNT, &region) != 0)
        return fail("region");

    struct runtime *runtime = runtime_new();
    struct data_mover_threads *mover = data_mover_threads_default();
    if (runtime == NULL || mover == NULL) {
        fprintf(stderr, "no memory\n");
        return 1;
    }

    uint64_t last = start_appends(stream, region, data_mover_threads_get_vdm(mover));
    if (last == 0)
        return fail("append");

    /* Committed: every entry up to `last` can be read. The runtime sleeps while the mover works. */
    struct pmemstream_async_wait_fut committed = pmemstream_async_wait_committed(stream, last);
    runtime_wait(runtime, FUTURE_AS_RUNNABLE(&committed));

    /* Persisted: every entry up to `last` survives a crash. */
    struct pmemstream_async_wait_fut persisted = pmemstream_async_wait_persisted(stream, last);
    runtime_wait(runtime, FUTURE_AS_RUNNABLE(&persisted));
    if (FUTURE_OUTPUT(&persisted)->error_code != 0)
        return fail("wait");

    printf("%d entries of %d bytes are durable, the last timestamp is %llu\n", ENTRY_COUNT, ENTRY_SIZE,
           (unsigned long long)last);

    /* The mover outlives the entries it copies, so the stream goes first. */
    pmemstream_delete(&stream);
    data_mover_threads_delete(mover);
    runtime_delete(runtime);
    return 0;
}
