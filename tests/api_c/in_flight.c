/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright the pmemstream authors */

/* What happens while a copy is under way: a free that waits for it, movers that wake early or late. */

#include "fixture.h"
#include "manual_mover.h"

#include <sched.h>

enum { block = 4096, stream_size = 256 * 1024 };

struct freeing {
    struct pmemstream *stream;
    struct pmemstream_region region;
};

static void *free_region(void *arg)
{
    const struct freeing *freeing = arg;
    CHECK_OK(pmemstream_region_free(freeing->stream, freeing->region));
    return NULL;
}

/* A region is closed to everybody as soon as its free has begun, although that waits for a copy. */
static void a_region_being_freed(void)
{
    struct fixture fixture = fixture_new(stream_size, block);
    struct vdm *vdm = manual_mover_init(FUTURE_NOTIFIER_WAKER);
    struct freeing freeing = {fixture.stream, allocate(fixture.stream, 1000)};
    const struct pmemstream_region region = freeing.region;
    const struct pmemstream_region other = allocate(fixture.stream, 1000);
    CHECK_OK(pmemstream_async_append(fixture.stream, vdm, region, NULL, "held", 4, NULL));
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, free_region, &freeing) == 0);
    while (pmemstream_region_size(fixture.stream, region) != 0)
        sched_yield();
    struct pmemstream_region_info info;
    struct pmemstream_entry entry = {7};
    void *data = &data;
    CHECK_FAILS_WITH(pmemstream_region_usable_size(fixture.stream, region), 0, ENOENT);
    CHECK_FAILS(pmemstream_get_region_info(fixture.stream, region, &info, sizeof info), ENOENT);
    CHECK_FAILS(pmemstream_async_append(fixture.stream, NULL, region, NULL, "x", 1, &entry), ENOENT);
    CHECK_FAILS(pmemstream_reserve(fixture.stream, region, NULL, 1, &entry, &data), ENOENT);
    CHECK_FAILS(pmemstream_region_free(fixture.stream, region), ENOENT);
    CHECK(entry.offset == 7 && data == &data);
    CHECK_OK(pmemstream_async_append(fixture.stream, NULL, other, NULL, "in another one", 14, NULL));
    manual_mover_finish(0);
    CHECK(pthread_join(thread, NULL) == 0);
    fixture_reopen(&fixture);
    CHECK_TEXTS(fixture.stream, other, "in another one");
    CHECK_EQUAL(info_of(fixture.stream).region_count, 1);
    fixture_delete(&fixture);
}

static enum future_state wake_and_complete(void *operation, const struct vdm_operation *what)
{
    struct manual_operation *own = operation;
    own->waker.wake(own->waker.data);
    return manual_check(operation, what);
}

/* A mover that calls its waker from inside the poll: nobody's lock is in its way. */
static void woken_inside_a_poll(void)
{
    struct fixture fixture = fixture_new(stream_size, block);
    struct vdm *vdm = manual_mover_init(FUTURE_NOTIFIER_WAKER);
    vdm->op_check = wake_and_complete;
    const struct pmemstream_region region = allocate(fixture.stream, 1000);
    CHECK_OK(pmemstream_async_append(fixture.stream, vdm, region, NULL, "by a mover", 10, NULL));
    manual_mover_finish(0);
    CHECK_OK(pmemstream_append(fixture.stream, region, NULL, "behind it", 9, NULL));
    CHECK_TEXTS(fixture.stream, region, "by a mover", "behind it");
    fixture_delete(&fixture);
}

/* A mover that calls its waker when the stream is gone. */
static void woken_too_late(void)
{
    struct fixture fixture = fixture_new(stream_size, block);
    struct vdm *vdm = manual_mover_init(FUTURE_NOTIFIER_WAKER);
    const struct pmemstream_region region = allocate(fixture.stream, 1000);
    CHECK_OK(pmemstream_async_append(fixture.stream, vdm, region, NULL, "by a mover", 10, NULL));
    const struct future_waker waker = manual.operations[0].waker;
    CHECK(waker.wake != NULL);
    manual_mover_finish(0);
    fixture_close(&fixture);
    waker.wake(waker.data);
    fixture_open(&fixture);
    waker.wake(waker.data);
    CHECK_TEXTS(fixture.stream, region, "by a mover");
    fixture_delete(&fixture);
}

int main(void)
{
    a_region_being_freed();
    woken_inside_a_poll();
    woken_too_late();
    return 0;
}
