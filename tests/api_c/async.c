/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright the pmemstream authors */

/* Asynchronous appends, and the futures that wait for them. */

#include "fixture.h"
#include "manual_mover.h"

#include <stdatomic.h>
#include <time.h>

enum { block = 4096, stream_size = 4 << 20 };

static enum future_state poll_once(struct pmemstream_async_wait_fut *wait)
{
    return future_poll(FUTURE_AS_RUNNABLE(wait), NULL);
}

static struct pmemstream_region first_region(struct pmemstream *stream)
{
    struct pmemstream_region_iterator *iterator;
    CHECK_OK(pmemstream_region_iterator_new(&iterator, stream));
    pmemstream_region_iterator_seek_first(iterator);
    const struct pmemstream_region region = pmemstream_region_iterator_get(iterator);
    pmemstream_region_iterator_delete(&iterator);
    return region;
}

/* Appends by `vdm` with sizes around every limit, far more than there are slots; all of it is there after a crash. */
static void many(struct vdm *vdm)
{
    enum { count = 3000 };
    static unsigned char data[count][600];
    static struct pmemstream_entry entries[count];
    struct fixture fixture = fixture_new(stream_size, block);
    const struct pmemstream_region regions[] = {allocate(fixture.stream, 1 << 20), allocate(fixture.stream, 1 << 20)};
    for (int i = 0; i < count; ++i) {
        fill(data[i], (size_t)i % 600, (unsigned)i);
        CHECK_OK(
            pmemstream_async_append(fixture.stream, vdm, regions[i % 2], NULL, data[i], (size_t)i % 600, &entries[i]));
        CHECK_EQUAL(pmemstream_entry_size(fixture.stream, entries[i]), i % 600);
        CHECK_EQUAL(pmemstream_entry_timestamp(fixture.stream, entries[i]), i + 1);
    }
    struct pmemstream_async_wait_fut wait = pmemstream_async_wait_committed(fixture.stream, count);
    FUTURE_BUSY_POLL(&wait);
    CHECK_EQUAL(FUTURE_OUTPUT(&wait)->error_code, 0);
    CHECK_EQUAL(FUTURE_DATA(&wait)->timestamp, count);
    CHECK(FUTURE_DATA(&wait)->stream == fixture.stream);
    CHECK_EQUAL(pmemstream_committed_timestamp(fixture.stream), count);
    /* Committed means visible; it needs no more of the caller's data. */
    for (int i = 0; i < count; ++i)
        CHECK(entry_is(fixture.stream, entries[i], data[i], (size_t)i % 600));
    CHECK_EQUAL(count_entries(fixture.stream, regions[0]), count / 2);
    wait_persisted(fixture.stream, count);
    CHECK_EQUAL(pmemstream_persisted_timestamp(fixture.stream), count);
    fixture_crash(&fixture);
    CHECK_EQUAL(pmemstream_persisted_timestamp(fixture.stream), count);
    for (int i = 0; i < count; ++i)
        CHECK(entry_is(fixture.stream, entries[i], data[i], (size_t)i % 600));
    for (int i = 0; i < 2; ++i)
        CHECK_EQUAL(count_entries(fixture.stream, regions[i]), count / 2);
    fixture_delete(&fixture);
}

static void movers(void)
{
    many(NULL);
    struct data_mover_sync *sync = data_mover_sync_new();
    CHECK(sync != NULL);
    many(data_mover_sync_get_vdm(sync));
    data_mover_sync_delete(sync);
    static const enum future_notifier_type notifiers[] = {FUTURE_NOTIFIER_WAKER, FUTURE_NOTIFIER_POLLER,
                                                          FUTURE_NOTIFIER_NONE};
    for (int i = 0; i < 3; ++i) {
        /* Also with a queue that is much too short. */
        struct data_mover_threads *threads = data_mover_threads_new(2, i == 0 ? 2 : 128, notifiers[i]);
        CHECK(threads != NULL);
        many(data_mover_threads_get_vdm(threads));
        data_mover_threads_delete(threads);
    }
}

static void futures_at_their_ends(void)
{
    struct fixture fixture = fixture_new(stream_size, block);
    struct pmemstream *stream = fixture.stream;
    const struct pmemstream_region region = allocate(stream, 10000);
    struct pmemstream_async_wait_fut wait;

    /* Nothing to wait for, and what is reached: complete at the first poll. */
    wait = pmemstream_async_wait_committed(stream, 0);
    CHECK(FUTURE_STATE(&wait) == FUTURE_STATE_IDLE);
    CHECK(poll_once(&wait) == FUTURE_STATE_COMPLETE && FUTURE_OUTPUT(&wait)->error_code == 0);
    wait = pmemstream_async_wait_persisted(stream, 0);
    CHECK(poll_once(&wait) == FUTURE_STATE_COMPLETE && FUTURE_OUTPUT(&wait)->error_code == 0);
    for (int i = 0; i < 3; ++i)
        append_text(stream, region, "x");
    for (uint64_t timestamp = 0; timestamp <= 3; ++timestamp) {
        wait = pmemstream_async_wait_committed(stream, timestamp);
        CHECK(poll_once(&wait) == FUTURE_STATE_COMPLETE && FUTURE_OUTPUT(&wait)->error_code == 0);
        CHECK(poll_once(&wait) == FUTURE_STATE_COMPLETE);
        wait = pmemstream_async_wait_persisted(stream, timestamp);
        CHECK(poll_once(&wait) == FUTURE_STATE_COMPLETE && FUTURE_OUTPUT(&wait)->error_code == 0);
    }

    /* No stream: born complete. */
    static const uint64_t timestamps[] = {0, 1, 17, UINT64_MAX};
    for (int i = 0; i < 4; ++i) {
        errno = 0;
        wait = pmemstream_async_wait_committed(NULL, timestamps[i]);
        CHECK(FUTURE_STATE(&wait) == FUTURE_STATE_COMPLETE && FUTURE_OUTPUT(&wait)->error_code == -1);
        CHECK(FUTURE_DATA(&wait)->timestamp == timestamps[i] && FUTURE_DATA(&wait)->stream == NULL);
        CHECK(errno == EINVAL && pmemstream_errormsg()[0] != '\0');
        CHECK(poll_once(&wait) == FUTURE_STATE_COMPLETE);
        wait = pmemstream_async_wait_persisted(NULL, timestamps[i]);
        CHECK(FUTURE_STATE(&wait) == FUTURE_STATE_COMPLETE && FUTURE_OUTPUT(&wait)->error_code == -1);
        CHECK(FUTURE_DATA(&wait)->timestamp == timestamps[i]);
    }
    fixture_delete(&fixture);
}

/* Waits for timestamps that nobody was given stay running, and hinder neither appends nor other waits. */
static void not_handed_out(void)
{
    struct fixture fixture = fixture_new(stream_size, block);
    struct pmemstream *stream = fixture.stream;
    const struct pmemstream_region region = allocate(stream, 10000);
    static const uint64_t timestamps[] = {3, 4, 1025, 5000, 1ULL << 54, UINT64_MAX - 1, UINT64_MAX};
    enum { count = sizeof timestamps / sizeof *timestamps };
    struct pmemstream_async_wait_fut waits[2 * count];
    for (int i = 0; i < count; ++i) {
        waits[2 * i] = pmemstream_async_wait_committed(stream, timestamps[i]);
        waits[2 * i + 1] = pmemstream_async_wait_persisted(stream, timestamps[i]);
    }
    for (int round = 0; round < 2; ++round) {
        for (int i = 0; i < 2 * count; ++i)
            CHECK(poll_once(&waits[i]) == FUTURE_STATE_RUNNING);
        append_text(stream, region, "sync");
    }
    CHECK_OK(pmemstream_async_append(stream, NULL, region, NULL, "async", 5, NULL));
    wait_persisted(stream, 3);
    for (int i = 0; i < 2; ++i)
        CHECK(poll_once(&waits[i]) == FUTURE_STATE_COMPLETE && FUTURE_OUTPUT(&waits[i])->error_code == 0);
    for (int i = 2; i < 2 * count; ++i)
        CHECK(poll_once(&waits[i]) == FUTURE_STATE_RUNNING);
    append_text(stream, region, "sync");
    for (int i = 2; i < 4; ++i)
        CHECK(poll_once(&waits[i]) == FUTURE_STATE_COMPLETE);
    /* The others are dropped as they are. */
    fixture_reopen(&fixture);
    CHECK_EQUAL(pmemstream_persisted_timestamp(fixture.stream), 4);
    fixture_delete(&fixture);
}

/* What is committed is visible, what is not is not, and timestamps are reached in order. */
static void in_progress(enum future_notifier_type notifier)
{
    struct fixture fixture = fixture_new(stream_size, block);
    struct pmemstream *stream = fixture.stream;
    const struct pmemstream_region region = allocate(stream, 10000);
    const struct pmemstream_region other = allocate(stream, 10000);
    struct vdm *vdm = manual_mover_init(notifier);
    append_text(stream, region, "zero");
    struct pmemstream_entry entries[3];
    CHECK_OK(pmemstream_async_append(stream, vdm, region, NULL, "one", 3, &entries[0]));
    CHECK_OK(pmemstream_async_append(stream, vdm, other, NULL, "two", 3, &entries[1]));
    CHECK_OK(pmemstream_async_append(stream, NULL, region, NULL, "three", 5, &entries[2]));
    for (int i = 0; i < 3; ++i)
        CHECK_EQUAL(pmemstream_entry_timestamp(stream, entries[i]), i + 2);
    CHECK_EQUAL(pmemstream_committed_timestamp(stream), 1);
    CHECK_TEXTS(stream, region, "zero");
    CHECK_EQUAL(count_entries(stream, other), 0);

    struct pmemstream_async_wait_fut first = pmemstream_async_wait_committed(stream, 2);
    struct pmemstream_async_wait_fut third = pmemstream_async_wait_persisted(stream, 4);
    struct pmemstream_async_wait_fut dropped = pmemstream_async_wait_persisted(stream, 3);
    CHECK(poll_once(&dropped) == FUTURE_STATE_RUNNING);
    for (int i = 0; i < 3; ++i) {
        CHECK(poll_once(&first) == FUTURE_STATE_RUNNING);
        CHECK(poll_once(&third) == FUTURE_STATE_RUNNING);
    }
    /* The later one is done first: nothing is committed by that. */
    manual_mover_finish(1);
    CHECK(poll_once(&third) == FUTURE_STATE_RUNNING);
    CHECK_EQUAL(pmemstream_committed_timestamp(stream), 1);
    CHECK_EQUAL(count_entries(stream, other), 0);
    manual_mover_finish(0);
    /* Polling any wait makes progress for all of them, whoever appended. */
    CHECK(poll_once(&third) == FUTURE_STATE_COMPLETE);
    CHECK_EQUAL(FUTURE_OUTPUT(&third)->error_code, 0);
    CHECK_EQUAL(pmemstream_persisted_timestamp(stream), 4);
    CHECK(poll_once(&first) == FUTURE_STATE_COMPLETE);
    CHECK_TEXTS(stream, region, "zero", "one", "three");
    CHECK_TEXTS(stream, other, "two");
    CHECK(manual.operations[0].ended && manual.operations[1].ended);
    fixture_crash(&fixture);
    CHECK_TEXTS(fixture.stream, region, "zero", "one", "three");
    CHECK_TEXTS(fixture.stream, other, "two");
    fixture_delete(&fixture);
}

static void *finish_later(void *arg)
{
    (void)arg;
    const struct timespec pause = {0, 20 * 1000 * 1000};
    nanosleep(&pause, NULL);
    manual_mover_finish(0);
    return NULL;
}

/* The synchronous functions, and closing, complete what others began. */
static void completed_by_others(enum future_notifier_type notifier)
{
    for (int by_close = 0; by_close < 3; ++by_close) {
        struct fixture fixture = fixture_new(stream_size, block);
        const struct pmemstream_region region = allocate(fixture.stream, 10000);
        struct vdm *vdm = manual_mover_init(notifier);
        struct pmemstream_entry entry;
        CHECK_OK(pmemstream_async_append(fixture.stream, vdm, region, NULL, "async", 5, &entry));
        struct pmemstream_async_wait_fut dropped = pmemstream_async_wait_persisted(fixture.stream, 1);
        CHECK(poll_once(&dropped) == FUTURE_STATE_RUNNING);
        pthread_t thread;
        CHECK(pthread_create(&thread, NULL, finish_later, NULL) == 0);
        if (by_close == 2) {
            CHECK_OK(pmemstream_region_free(fixture.stream, region));
            CHECK_EQUAL(pmemstream_persisted_timestamp(fixture.stream), 1);
        } else if (by_close == 1) {
            fixture_reopen(&fixture);
            CHECK_TEXTS(fixture.stream, region, "async");
            CHECK_EQUAL(pmemstream_persisted_timestamp(fixture.stream), 1);
        } else {
            append_text(fixture.stream, region, "sync");
            CHECK_EQUAL(pmemstream_persisted_timestamp(fixture.stream), 2);
            CHECK_TEXTS(fixture.stream, region, "async", "sync");
        }
        CHECK(manual.operations[0].ended);
        CHECK(pthread_join(thread, NULL) == 0);
        fixture_delete(&fixture);
    }
}

/* A mover that has no memory, or no room yet, never makes an append fail. */
static void reluctant_mover(void)
{
    struct fixture fixture = fixture_new(stream_size, block);
    const struct pmemstream_region region = allocate(fixture.stream, 10000);
    struct vdm *vdm = manual_mover_init(FUTURE_NOTIFIER_NONE);
    manual.no_memory = 1;
    CHECK_OK(pmemstream_async_append(fixture.stream, vdm, region, NULL, "one", 3, NULL));
    wait_persisted(fixture.stream, 1);
    manual.refuse_starts = 5;
    CHECK_OK(pmemstream_async_append(fixture.stream, vdm, region, NULL, "two", 3, NULL));
    manual_mover_finish(0);
    wait_persisted(fixture.stream, 2);
    CHECK_EQUAL(manual.refuse_starts, 0);
    CHECK_TEXTS(fixture.stream, region, "one", "two");
    fixture_delete(&fixture);
}

/* More pending than there are slots, with a mover that waits for us: an append then makes progress by itself. */
static void *finish_in_turn(void *arg)
{
    const struct timespec pause = {0, 10 * 1000 * 1000};
    (void)arg;
    nanosleep(&pause, NULL);
    for (int i = 0; i < 3; ++i)
        manual_mover_finish(i);
    return NULL;
}

static void all_slots_taken(void)
{
    struct fixture fixture = fixture_new(stream_size, block);
    const struct pmemstream_region region = allocate(fixture.stream, 1 << 20);
    struct vdm *vdm = manual_mover_init(FUTURE_NOTIFIER_WAKER);
    for (int i = 0; i < 3; ++i)
        CHECK_OK(pmemstream_async_append(fixture.stream, vdm, region, NULL, "by mover", 8, NULL));
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, finish_in_turn, NULL) == 0);
    for (int i = 0; i < 5000; ++i)
        CHECK_OK(pmemstream_async_append(fixture.stream, NULL, region, NULL, "by caller", 9, NULL));
    CHECK(pthread_join(thread, NULL) == 0);
    wait_persisted(fixture.stream, 5003);
    CHECK_EQUAL(count_entries(fixture.stream, region), 5003);
    fixture_delete(&fixture);
}

struct wakes {
    atomic_int count;
};

static void count_wake(void *data)
{
    atomic_fetch_add(&((struct wakes *)data)->count, 1);
}

static void wakers(void)
{
    struct fixture fixture = fixture_new(stream_size, block);
    struct pmemstream *stream = fixture.stream;
    const struct pmemstream_region region = allocate(stream, 10000);
    struct vdm *vdm = manual_mover_init(FUTURE_NOTIFIER_WAKER);
    CHECK_OK(pmemstream_async_append(stream, vdm, region, NULL, "one", 3, NULL));
    for (int persisted = 0; persisted < 2; ++persisted) {
        struct wakes wakes = {0};
        struct future_notifier notifier = {.waker = {&wakes, count_wake}};
        struct pmemstream_async_wait_fut wait =
            (persisted ? pmemstream_async_wait_persisted : pmemstream_async_wait_committed)(stream,
                                                                                            (uint64_t)persisted + 1);
        CHECK(future_poll(FUTURE_AS_RUNNABLE(&wait), &notifier) == FUTURE_STATE_RUNNING);
        CHECK(notifier.notifier_used == FUTURE_NOTIFIER_WAKER);
        CHECK(atomic_load(&wakes.count) == 0);
        if (persisted) /* woken by somebody else's progress */
            append_text(stream, region, "two");
        else
            manual_mover_finish(0);
        CHECK(atomic_load(&wakes.count) != 0);
        CHECK(future_poll(FUTURE_AS_RUNNABLE(&wait), &notifier) == FUTURE_STATE_COMPLETE);
        CHECK_EQUAL(FUTURE_OUTPUT(&wait)->error_code, 0);
    }

    /* A later poll replaces the waker: the first one is not called any more. */
    struct wakes first = {0};
    struct wakes second = {0};
    struct future_notifier notifier = {.waker = {&first, count_wake}};
    struct pmemstream_async_wait_fut wait = pmemstream_async_wait_persisted(stream, 3);
    CHECK(future_poll(FUTURE_AS_RUNNABLE(&wait), &notifier) == FUTURE_STATE_RUNNING);
    notifier.waker.data = &second;
    CHECK(future_poll(FUTURE_AS_RUNNABLE(&wait), &notifier) == FUTURE_STATE_RUNNING);
    append_text(stream, region, "three");
    CHECK(atomic_load(&first.count) == 0 && atomic_load(&second.count) != 0);
    CHECK(future_poll(FUTURE_AS_RUNNABLE(&wait), &notifier) == FUTURE_STATE_COMPLETE);
    fixture_delete(&fixture);
}

struct polling_waker {
    struct pmemstream *stream;
    struct pmemstream_async_wait_fut wait;
    int completed;
};

static void poll_when_woken(void *arg)
{
    struct polling_waker *self = arg;
    /* None of this may wait for a lock that whoever wakes holds. */
    self->completed += poll_once(&self->wait) == FUTURE_STATE_COMPLETE;
    struct pmemstream_region_iterator *iterator;
    CHECK_OK(pmemstream_region_iterator_new(&iterator, self->stream));
    pmemstream_region_iterator_seek_first(iterator);
    CHECK(pmemstream_region_usable_size(self->stream, pmemstream_region_iterator_get(iterator)) > 0);
    CHECK_OK(pmemstream_async_append(self->stream, NULL, pmemstream_region_iterator_get(iterator), NULL, "by the waker",
                                     12, NULL));
    pmemstream_region_iterator_delete(&iterator);
}

/* A waker may poll its future, and call any other function. */
static void wakers_that_poll(void)
{
    struct fixture fixture = fixture_new(stream_size, block);
    struct pmemstream *stream = fixture.stream;
    const struct pmemstream_region region = allocate(stream, 10000);
    for (int by_async = 0; by_async < 2; ++by_async) {
        const uint64_t timestamp = pmemstream_committed_timestamp(stream) + 1;
        struct polling_waker waker = {.stream = stream, .wait = pmemstream_async_wait_persisted(stream, timestamp)};
        struct future_notifier notifier = {.waker = {&waker, poll_when_woken}};
        CHECK(future_poll(FUTURE_AS_RUNNABLE(&waker.wait), &notifier) == FUTURE_STATE_RUNNING);
        if (by_async)
            CHECK_OK(pmemstream_async_append(stream, NULL, region, NULL, "async", 5, NULL));
        else
            append_text(stream, region, "sync");
        CHECK_EQUAL(waker.completed, 1);
        CHECK_EQUAL(pmemstream_persisted_timestamp(stream), timestamp);
        wait_persisted(stream, timestamp + 1);
    }
    fixture_delete(&fixture);
}

/* A wait for what comes later persists what is there. */
static void polling_persists_what_is_in_front(void)
{
    struct fixture fixture = fixture_new(stream_size, block);
    const struct pmemstream_region region = allocate(fixture.stream, 10000);
    for (int i = 0; i < 10; ++i)
        CHECK_OK(pmemstream_async_append(fixture.stream, NULL, region, NULL, "async", 5, NULL));
    CHECK_EQUAL(pmemstream_persisted_timestamp(fixture.stream), 0);
    struct pmemstream_async_wait_fut wait = pmemstream_async_wait_persisted(fixture.stream, 11);
    CHECK(poll_once(&wait) == FUTURE_STATE_RUNNING);
    CHECK_EQUAL(pmemstream_persisted_timestamp(fixture.stream), 10);
    fixture_delete(&fixture);
}

static void *append_by_silent_mover(void *arg)
{
    const struct fixture *fixture = arg;
    const struct timespec pause = {0, 20 * 1000 * 1000};
    nanosleep(&pause, NULL);
    CHECK_OK(
        pmemstream_async_append(fixture->stream, &manual.vdm, first_region(fixture->stream), NULL, "silent", 6, NULL));
    manual_mover_finish(0);
    return NULL;
}

/* Who sleeps for a timestamp that a copy comes before, by a mover that tells nobody when it is done, looks himself. */
static void silent_copy_begun_later(enum future_notifier_type notifier)
{
    struct fixture fixture = fixture_new(stream_size, block);
    allocate(fixture.stream, 10000);
    struct runtime *rt = runtime_new();
    CHECK(rt != NULL);
    manual_mover_init(notifier);
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, append_by_silent_mover, &fixture) == 0);
    struct pmemstream_async_wait_fut wait = pmemstream_async_wait_committed(fixture.stream, 1);
    runtime_wait(rt, FUTURE_AS_RUNNABLE(&wait));
    CHECK_EQUAL(FUTURE_OUTPUT(&wait)->error_code, 0);
    CHECK(pthread_join(thread, NULL) == 0);
    runtime_delete(rt);
    fixture_delete(&fixture);
}

static void pollers(void)
{
    struct fixture fixture = fixture_new(stream_size, block);
    struct pmemstream *stream = fixture.stream;
    const struct pmemstream_region region = allocate(stream, 10000);
    struct vdm *vdm = manual_mover_init(FUTURE_NOTIFIER_WAKER);
    CHECK_OK(pmemstream_async_append(stream, vdm, region, NULL, "one", 3, NULL));
    struct pmemstream_async_wait_fut wait = pmemstream_async_wait_persisted(stream, 1);
    struct future_notifier notifier = {.notifier_used = FUTURE_NOTIFIER_POLLER};
    CHECK(future_poll(FUTURE_AS_RUNNABLE(&wait), &notifier) == FUTURE_STATE_RUNNING);
    /* Without a waker a poller is what is left; its word can be read until the next poll. */
    CHECK(notifier.notifier_used != FUTURE_NOTIFIER_WAKER);
    if (notifier.notifier_used == FUTURE_NOTIFIER_POLLER)
        CHECK(notifier.poller.ptr_to_monitor != NULL);
    manual_mover_finish(0);
    for (int polls = 0; future_poll(FUTURE_AS_RUNNABLE(&wait), &notifier) != FUTURE_STATE_COMPLETE; ++polls)
        CHECK(polls < 1000);
    CHECK_EQUAL(FUTURE_OUTPUT(&wait)->error_code, 0);
    fixture_delete(&fixture);
}

static void *append_later(void *arg)
{
    const struct fixture *fixture = arg;
    const struct timespec pause = {0, 20 * 1000 * 1000};
    nanosleep(&pause, NULL);
    append_text(fixture->stream, first_region(fixture->stream), "later");
    return NULL;
}

/* Another future, whose polls are counted. */
struct counted_data {
    struct future *counted;
    unsigned polls;
};
struct counted_output {
    int unused;
};
FUTURE(counted_fut, struct counted_data, struct counted_output);

static enum future_state counted_task(struct future_context *context, struct future_notifier *notifier)
{
    struct counted_data *data = future_context_get_data(context);
    ++data->polls;
    return future_poll(data->counted, notifier);
}

/* runtime_wait sleeps until it is woken, and returns. */
static void runtime(void)
{
    struct fixture fixture = fixture_new(stream_size, block);
    struct pmemstream *stream = fixture.stream;
    const struct pmemstream_region region = allocate(stream, 100000);
    struct runtime *rt = runtime_new();
    CHECK(rt != NULL);
    struct data_mover_threads *threads = data_mover_threads_new(1, 16, FUTURE_NOTIFIER_WAKER);
    CHECK(threads != NULL);
    for (uint64_t timestamp = 1; timestamp <= 200; ++timestamp) {
        CHECK_OK(
            pmemstream_async_append(stream, data_mover_threads_get_vdm(threads), region, NULL, "runtime", 7, NULL));
        struct pmemstream_async_wait_fut wait =
            (timestamp % 2 ? pmemstream_async_wait_committed : pmemstream_async_wait_persisted)(stream, timestamp);
        runtime_wait(rt, FUTURE_AS_RUNNABLE(&wait));
        CHECK(FUTURE_STATE(&wait) == FUTURE_STATE_COMPLETE && FUTURE_OUTPUT(&wait)->error_code == 0);
    }
    /* Several at once, the last of them not handed out yet. */
    struct pmemstream_async_wait_fut waits[3] = {pmemstream_async_wait_committed(stream, 200),
                                                 pmemstream_async_wait_committed(stream, 201),
                                                 pmemstream_async_wait_persisted(stream, 201)};
    struct future *futures[3];
    for (int i = 0; i < 3; ++i)
        futures[i] = FUTURE_AS_RUNNABLE(&waits[i]);
    struct counted_fut last;
    FUTURE_INIT(&last, counted_task);
    FUTURE_DATA(&last)->counted = futures[2];
    FUTURE_DATA(&last)->polls = 0;
    futures[2] = FUTURE_AS_RUNNABLE(&last);
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, append_later, &fixture) == 0);
    runtime_wait_multiple(rt, futures, 3);
    /* Who does not sleep polls thousands of times. */
    CHECK(FUTURE_DATA(&last)->polls < 100);
    CHECK(pthread_join(thread, NULL) == 0);
    for (int i = 0; i < 3; ++i)
        CHECK(FUTURE_STATE(&waits[i]) == FUTURE_STATE_COMPLETE && FUTURE_OUTPUT(&waits[i])->error_code == 0);

    /* By a mover that another thread finishes. */
    struct vdm *vdm = manual_mover_init(FUTURE_NOTIFIER_WAKER);
    CHECK_OK(pmemstream_async_append(stream, vdm, region, NULL, "manual", 6, NULL));
    CHECK(pthread_create(&thread, NULL, finish_later, NULL) == 0);
    struct pmemstream_async_wait_fut wait = pmemstream_async_wait_persisted(stream, 202);
    runtime_wait(rt, FUTURE_AS_RUNNABLE(&wait));
    CHECK_EQUAL(FUTURE_OUTPUT(&wait)->error_code, 0);
    CHECK(pthread_join(thread, NULL) == 0);
    runtime_delete(rt);
    fixture_delete(&fixture);
    data_mover_threads_delete(threads);
}

/* Verifying finds what was committed since anybody looked, though an entry of another region held it up. */
static void verified_while_written(void)
{
    struct fixture fixture = fixture_new(stream_size, block);
    struct pmemstream *stream = fixture.stream;
    const struct pmemstream_region held = allocate(stream, 1000);
    const struct pmemstream_region region = allocate(stream, 1000);
    struct vdm *vdm = manual_mover_init(FUTURE_NOTIFIER_NONE);
    CHECK_OK(pmemstream_async_append(stream, vdm, held, NULL, "held", 4, NULL));
    CHECK_OK(pmemstream_async_append(stream, NULL, region, NULL, "behind", 6, NULL));
    struct pmemstream_verify_result result;
    CHECK_OK(pmemstream_verify(stream, NULL, NULL, &result));
    CHECK(result.entries == 0 && result.damages == 0);
    manual_mover_finish(0);
    wait_persisted(stream, 2);
    CHECK_OK(pmemstream_verify(stream, NULL, NULL, &result));
    CHECK(result.entries == 2 && result.bytes == 10 && result.damages == 0);
    fixture_delete(&fixture);
}

int main(void)
{
    movers();
    futures_at_their_ends();
    not_handed_out();
    in_progress(FUTURE_NOTIFIER_WAKER);
    in_progress(FUTURE_NOTIFIER_NONE);
    completed_by_others(FUTURE_NOTIFIER_WAKER);
    completed_by_others(FUTURE_NOTIFIER_NONE);
    reluctant_mover();
    all_slots_taken();
    wakers();
    wakers_that_poll();
    polling_persists_what_is_in_front();
    silent_copy_begun_later(FUTURE_NOTIFIER_NONE);
    silent_copy_begun_later(FUTURE_NOTIFIER_POLLER);
    pollers();
    runtime();
    verified_while_written();
    return 0;
}
