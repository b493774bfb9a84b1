/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright the pmemstream authors */

/*
 * A medium that fails, and a formatting that is cut short. For page-granular media only: this program's msync and
 * fsync are those that the library calls.
 */

#include "fixture.h"
#include "manual_mover.h"

#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { block = 4096, stream_size = 256 * 1024, forever = 1 << 30 };

/* So many syncs go well; the next fails, or ends the process. */
static int syncs_left = forever;
static int failed_syncs;
static bool dies;

static bool sync_fails(void)
{
    if (syncs_left != 0) {
        --syncs_left;
        return false;
    }
    if (dies)
        _exit(0);
    ++failed_syncs;
    errno = EIO;
    return true;
}

/* Visible to the library, whatever the compiler is told about the rest. */
__attribute__((visibility("default"))) int msync(void *address, size_t size, int flags)
{
    return sync_fails() ? -1 : (int)syscall(SYS_msync, address, size, flags);
}

__attribute__((visibility("default"))) int fsync(int fd)
{
    return sync_fails() ? -1 : (int)syscall(SYS_fsync, fd);
}

static void fail_after(int syncs)
{
    syncs_left = syncs;
    failed_syncs = 0;
}

/* Whatever the point at which formatting ends: the next open finishes it. */
static void formatting_is_cut_short(void)
{
    for (int syncs = 0;; ++syncs) {
        struct fixture fixture = {.fd = temporary_file(stream_size), .block_size = block};
        const pid_t child = fork();
        if (child == 0) {
            dies = true;
            fail_after(syncs);
            struct pmem2_map *map = map_file(fixture.fd);
            struct pmemstream *stream;
            _exit(pmemstream_from_map(&stream, block, map) == 0 ? 1 : 2);
        }
        int status;
        CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) != 2);
        fixture_open(&fixture);
        const struct pmemstream_region region = allocate(fixture.stream, 100);
        append_text(fixture.stream, region, "whole");
        fixture_reopen(&fixture);
        CHECK_TEXTS(fixture.stream, region, "whole");
        CHECK_EQUAL(info_of(fixture.stream).damage_count, 0);
        fixture_delete(&fixture);
        if (WEXITSTATUS(status) == 1) {
            CHECK(syncs > 2);
            return;
        }
    }
}

/* A from_map that fails leaves no stream; a later one opens it. */
static void opening_fails(void)
{
    struct fixture fixture = fixture_new(stream_size, block);
    const struct pmemstream_region region = allocate(fixture.stream, 100);
    append_text(fixture.stream, region, "there");
    fixture_close(&fixture);
    fixture.map = map_file(fixture.fd);
    fail_after(0);
    fixture.stream = (struct pmemstream *)&fixture;
    CHECK_FAILS(pmemstream_from_map(&fixture.stream, block, fixture.map), EIO);
    CHECK(fixture.stream == NULL);
    unmap(&fixture.map);
    fail_after(forever);
    fixture_open(&fixture);
    CHECK_TEXTS(fixture.stream, region, "there");
    fixture_delete(&fixture);
}

/* One failed sync, and the stream accepts nothing any more, although the medium would work again. */
static void check_closed(struct fixture *fixture, struct pmemstream_region region, struct pmemstream_entry reserved,
                         uint64_t persisted)
{
    struct pmemstream *stream = fixture->stream;
    CHECK_EQUAL(failed_syncs, 1);
    fail_after(forever);
    struct pmemstream_region other = {7};
    struct pmemstream_entry entry = {7};
    void *data = &data;
    CHECK_FAILS(pmemstream_append(stream, region, NULL, "x", 1, &entry), EIO);
    CHECK_FAILS(pmemstream_async_append(stream, NULL, region, NULL, "x", 1, &entry), EIO);
    CHECK_FAILS(pmemstream_reserve(stream, region, NULL, 1, &entry, &data), EIO);
    CHECK_FAILS(pmemstream_publish(stream, region, NULL, reserved, 1), EIO);
    CHECK_FAILS(pmemstream_async_publish(stream, region, NULL, reserved, 1), EIO);
    CHECK_FAILS(pmemstream_region_allocate(stream, 100, &other), EIO);
    CHECK_FAILS(pmemstream_region_free(stream, region), EIO);
    CHECK(other.offset == 7 && entry.offset == 7 && data == &data);
    CHECK_EQUAL_OK(pmemstream_persisted_timestamp(stream), persisted);
    struct pmemstream_async_wait_fut wait = pmemstream_async_wait_persisted(stream, persisted + 1);
    CHECK(future_poll(FUTURE_AS_RUNNABLE(&wait), NULL) == FUTURE_STATE_COMPLETE);
    CHECK_EQUAL(FUTURE_OUTPUT(&wait)->error_code, -1);
    wait = pmemstream_async_wait_persisted(stream, persisted);
    CHECK(future_poll(FUTURE_AS_RUNNABLE(&wait), NULL) == FUTURE_STATE_COMPLETE);
    CHECK_EQUAL(FUTURE_OUTPUT(&wait)->error_code, 0);
    /* Closing tries no sync a second time; reopening tells what survived, at least what was acknowledged. */
    fail_after(forever - 1);
    pmemstream_delete(&fixture->stream);
    CHECK_EQUAL(syncs_left, forever - 1);
    unmap(&fixture->map);
    fail_after(forever);
    fixture_open(fixture);
    CHECK(pmemstream_persisted_timestamp(fixture->stream) >= persisted);
}

static struct fixture stream_with_reservation(struct pmemstream_region *region, struct pmemstream_entry *reserved)
{
    struct fixture fixture = fixture_new(stream_size, block);
    *region = allocate(fixture.stream, 1000);
    append_text(fixture.stream, *region, "acknowledged");
    void *data;
    CHECK_OK(pmemstream_reserve(fixture.stream, *region, NULL, 8, reserved, &data));
    memcpy(data, "reserved", 8);
    fail_after(0);
    return fixture;
}

static void calls_fail(void)
{
    struct pmemstream_region region;
    struct pmemstream_entry reserved;
    struct pmemstream_entry entry = {7};
    struct pmemstream_region other = {7};

    struct fixture fixture = stream_with_reservation(&region, &reserved);
    CHECK_FAILS(pmemstream_append(fixture.stream, region, NULL, "lost?", 5, &entry), EIO);
    CHECK_EQUAL(entry.offset, 7);
    check_closed(&fixture, region, reserved, 1);
    fixture_delete(&fixture);

    fixture = stream_with_reservation(&region, &reserved);
    CHECK_FAILS(pmemstream_publish(fixture.stream, region, NULL, reserved, 8), EIO);
    check_closed(&fixture, region, reserved, 1);
    fixture_delete(&fixture);

    fixture = stream_with_reservation(&region, &reserved);
    CHECK_FAILS(pmemstream_region_allocate(fixture.stream, 100, &other), EIO);
    CHECK_EQUAL(other.offset, 7);
    check_closed(&fixture, region, reserved, 1);
    fixture_delete(&fixture);

    fixture = stream_with_reservation(&region, &reserved);
    CHECK_FAILS(pmemstream_region_free(fixture.stream, region), EIO);
    CHECK_EQUAL(failed_syncs, 1);
    fixture_delete(&fixture);
    fail_after(forever);

    /* A wait that is pending completes with an error, also if it was another call that met the failure. */
    for (int by_other = 0; by_other < 2; ++by_other) {
        fixture = stream_with_reservation(&region, &reserved);
        struct pmemstream_async_wait_fut wait = pmemstream_async_wait_persisted(fixture.stream, 9);
        CHECK(future_poll(FUTURE_AS_RUNNABLE(&wait), NULL) == FUTURE_STATE_RUNNING);
        CHECK_OK(pmemstream_async_append(fixture.stream, NULL, region, NULL, "async", 5, NULL));
        struct pmemstream_async_wait_fut own = pmemstream_async_wait_persisted(fixture.stream, 2);
        if (by_other) {
            CHECK_FAILS(pmemstream_append(fixture.stream, region, NULL, "x", 1, NULL), EIO);
        } else {
            CHECK(future_poll(FUTURE_AS_RUNNABLE(&own), NULL) == FUTURE_STATE_COMPLETE);
            CHECK_EQUAL(FUTURE_OUTPUT(&own)->error_code, -1);
        }
        CHECK(future_poll(FUTURE_AS_RUNNABLE(&wait), NULL) == FUTURE_STATE_COMPLETE);
        CHECK_EQUAL(FUTURE_OUTPUT(&wait)->error_code, -1);
        check_closed(&fixture, region, reserved, 1);
        fixture_delete(&fixture);
    }
}

/* pmemstream_delete cannot tell of a failure; nothing of what was acknowledged is lost by it. */
static void closing_fails(void)
{
    for (int syncs = 0; syncs < 8; ++syncs) {
        struct pmemstream_region region;
        struct pmemstream_entry reserved;
        struct fixture fixture = stream_with_reservation(&region, &reserved);
        fail_after(syncs);
        pmemstream_delete(&fixture.stream);
        CHECK(fixture.stream == NULL);
        unmap(&fixture.map);
        fail_after(forever);
        fixture_open(&fixture);
        CHECK_TEXTS(fixture.stream, region, "acknowledged");
        CHECK_EQUAL(pmemstream_persisted_timestamp(fixture.stream), 1);
        fixture_delete(&fixture);
    }
}

static atomic_int copied;

static void *finish_later(void *arg)
{
    (void)arg;
    const struct timespec pause = {0, 20 * 1000 * 1000};
    nanosleep(&pause, NULL);
    atomic_store(&copied, 1);
    manual_mover_finish(0);
    return NULL;
}

/* After pmemstream_delete no mover writes to the map, whatever has failed. */
static void deleting_waits_for_copies(void)
{
    struct pmemstream_region region;
    struct pmemstream_entry reserved;
    struct pmemstream_region other;
    struct fixture fixture = stream_with_reservation(&region, &reserved);
    struct vdm *vdm = manual_mover_init(FUTURE_NOTIFIER_WAKER);
    CHECK_OK(pmemstream_async_append(fixture.stream, vdm, region, NULL, "by a mover", 10, NULL));
    CHECK_FAILS(pmemstream_region_allocate(fixture.stream, 100, &other), EIO);
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, finish_later, NULL) == 0);
    pmemstream_delete(&fixture.stream);
    CHECK(atomic_load(&copied));
    CHECK(pthread_join(thread, NULL) == 0);
    unmap(&fixture.map);
    fail_after(forever);
    fixture_open(&fixture);
    fixture_delete(&fixture);
}

/* Whichever sync of a growth fails: nothing is acknowledged any more, and the stream has one size or the other. */
static void growing_fails(void)
{
    char directory[PATH_MAX];
    char path[STREAM_PATH_MAX];
    temporary_path(directory, path);
    struct pmemstream_options options = PMEMSTREAM_OPTIONS_INIT;
    options.size = stream_size;
    bool grown = false;
    for (int syncs = 0; !grown; ++syncs) {
        struct pmemstream *stream = create_stream(path, &options);
        const struct pmemstream_region region = allocate(stream, 1000);
        append_text(stream, region, "acknowledged");
        fail_after(syncs);
        grown = pmemstream_grow(stream, 2 * stream_size) == 0;
        if (!grown) {
            CHECK(errno == EIO);
            CHECK_EQUAL(failed_syncs, 1);
            struct pmemstream_region other;
            CHECK_FAILS(pmemstream_append(stream, region, NULL, "x", 1, NULL), EIO);
            CHECK_FAILS(pmemstream_grow(stream, 2 * stream_size), EIO);
            CHECK_FAILS(pmemstream_region_allocate(stream, 100, &other), EIO);
            CHECK_EQUAL(failed_syncs, 1);
        }
        pmemstream_delete(&stream);
        fail_after(forever);
        CHECK_OK(pmemstream_open(path, NULL, &stream));
        const struct pmemstream_info info = info_of(stream);
        CHECK(info.size == stream_size || info.size == 2 * stream_size);
        CHECK(info.damage_count == 0 && (info.size == 2 * stream_size || !grown));
        CHECK_TEXTS(stream, region, "acknowledged");
        /* It goes on where it was. */
        CHECK_OK(pmemstream_grow(stream, 3 * stream_size));
        append_text(stream, allocate(stream, stream_size), "in what was added");
        pmemstream_delete(&stream);
        CHECK(unlink(path) == 0);
        CHECK(grown || syncs < 10);
    }
    CHECK(rmdir(directory) == 0);
}

int main(void)
{
    formatting_is_cut_short();
    opening_fails();
    calls_fail();
    closing_fails();
    deleting_waits_for_copies();
    growing_fails();
    return 0;
}
