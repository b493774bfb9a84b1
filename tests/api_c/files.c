/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright the pmemstream authors */

/* What streams that were opened by their path have besides: growing, durability, and who holds the lock. */

#include "fixture.h"

#include <fcntl.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <pthread.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { mebibyte = 1024 * 1024 };

static char directory[PATH_MAX];
static char path[STREAM_PATH_MAX];

static struct pmemstream_options options_of(uint64_t size)
{
    struct pmemstream_options options = PMEMSTREAM_OPTIONS_INIT;
    options.size = size;
    return options;
}

static off_t file_size(void)
{
    struct stat status;
    CHECK(stat(path, &status) == 0);
    /* None of it is a hole. */
    CHECK((off_t)status.st_blocks * 512 >= status.st_size);
    return status.st_size;
}

/* Sizes that are no multiple of a page or a block: what lies between is used all the same. */
static void growing(void)
{
    struct pmemstream_options options = options_of(mebibyte + 100);
    struct pmemstream *stream = create_stream(path, &options);
    const struct pmemstream_region first = allocate(stream, mebibyte / 2);
    const struct pmemstream_entry entry = append_text(stream, first, "before");
    const void *data = pmemstream_entry_data(stream, entry);
    static const uint64_t sizes[] = {mebibyte + 5000, 3 * mebibyte + 77, 3 * mebibyte + 78, 20 * mebibyte};
    struct pmemstream_region regions[4];
    for (int i = 0; i < 4; ++i) {
        CHECK_OK(pmemstream_grow(stream, sizes[i]));
        CHECK_EQUAL(info_of(stream).size, sizes[i]);
        CHECK_EQUAL(file_size(), sizes[i]);
        CHECK(pmemstream_entry_data(stream, entry) == data);
        regions[i] = allocate(stream, info_of(stream).largest_free_size / 2);
        append_text(stream, regions[i], "behind");
    }
    /* To the last byte of the last region. */
    const struct pmemstream_region rest = allocate(stream, info_of(stream).largest_free_size);
    const size_t room = pmemstream_region_usable_size(stream, rest);
    unsigned char *large = malloc(room);
    CHECK(large != NULL);
    fill(large, room, 1);
    append(stream, rest, large, room - 16);
    for (int reopened = 0; reopened < 2; ++reopened) {
        CHECK_TEXTS(stream, first, "before");
        for (int i = 0; i < 4; ++i)
            CHECK_TEXTS(stream, regions[i], "behind");
        CHECK_EQUAL(count_entries(stream, rest), 1);
        struct pmemstream_verify_result result;
        CHECK_OK(pmemstream_verify(stream, NULL, NULL, &result));
        CHECK(result.entries == 6 && result.damages == 0);
        pmemstream_delete(&stream);
        stream = open_stream(path, NULL);
        CHECK(info_of(stream).was_clean == 1);
    }

    CHECK_OK(pmemstream_grow(stream, 20 * mebibyte));
    CHECK_FAILS(pmemstream_grow(stream, 20 * mebibyte - 1), EINVAL);
    CHECK_FAILS(pmemstream_grow(stream, 0), EINVAL);
    CHECK_FAILS(pmemstream_grow(stream, UINT64_MAX), EFBIG);
    CHECK_FAILS(pmemstream_grow(stream, 1ULL << 47), ENOMEM); /* of address space */
    CHECK_FAILS(pmemstream_grow(NULL, 30 * mebibyte), EINVAL);
    CHECK_EQUAL(file_size(), 20 * mebibyte);
    pmemstream_delete(&stream);
    stream = open_stream(path, &read_only);
    CHECK_FAILS(pmemstream_grow(stream, 30 * mebibyte), EROFS);
    pmemstream_delete(&stream);
    CHECK_EQUAL(file_size(), 20 * mebibyte);
    free(large);
    CHECK(unlink(path) == 0);

    struct fixture fixture = fixture_new(mebibyte, 4096);
    CHECK_FAILS(pmemstream_grow(fixture.stream, 2 * mebibyte), ENOTSUP);
    fixture_delete(&fixture);
}

struct appending {
    struct pmemstream *stream;
    struct pmemstream_region region;
    int stop;
    uint64_t appended;
};

static void *append_until_stopped(void *arg)
{
    struct appending *appending = arg;
    while (!__atomic_load_n(&appending->stop, __ATOMIC_RELAXED)) {
        if (pmemstream_append(appending->stream, appending->region, NULL, "meanwhile", 9, NULL) != 0) {
            CHECK(errno == ENOSPC);
            break;
        }
        ++appending->appended;
    }
    return NULL;
}

static void growing_while_appending(void)
{
    struct pmemstream_options options = options_of(2 * mebibyte);
    struct pmemstream *stream = create_stream(path, &options);
    struct appending appending = {stream, allocate(stream, mebibyte), 0, 0};
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, append_until_stopped, &appending) == 0);
    for (uint64_t size = 3; size <= 12; ++size) {
        CHECK_OK(pmemstream_grow(stream, size * mebibyte));
        append_text(stream, allocate(stream, mebibyte / 2), "new");
        CHECK_EQUAL(info_of(stream).size, size * mebibyte);
        struct pmemstream_verify_result result;
        CHECK_OK(pmemstream_verify(stream, NULL, NULL, &result));
        CHECK_EQUAL(result.damages, 0);
    }
    __atomic_store_n(&appending.stop, 1, __ATOMIC_RELAXED);
    CHECK(pthread_join(thread, NULL) == 0);
    CHECK_EQUAL(count_entries(stream, appending.region), appending.appended);
    pmemstream_delete(&stream);
    CHECK(unlink(path) == 0);
}

static void durabilities(void)
{
    struct pmemstream_options options = options_of(4 * mebibyte);
    options.durability = PMEMSTREAM_DURABILITY_PROCESS;
    const pid_t child = fork();
    if (child == 0) {
        struct pmemstream *stream = create_stream(path, &options);
        const struct pmemstream_region region = allocate(stream, mebibyte);
        CHECK_EQUAL(info_of(stream).durability, PMEMSTREAM_DURABILITY_PROCESS);
        unsigned char data[10000];
        for (size_t size = 1; size < sizeof data; size *= 3) {
            fill(data, size, (unsigned)size);
            append(stream, region, data, size);
        }
        CHECK_OK(pmemstream_async_append(stream, NULL, region, NULL, "async", 5, NULL));
        wait_persisted(stream, 10);
        CHECK_EQUAL(pmemstream_persisted_timestamp(stream), 10);
        _exit(0);
    }
    int status;
    CHECK(waitpid(child, &status, 0) == child && status == 0);
    struct pmemstream *stream = open_stream(path, NULL);
    CHECK_EQUAL(info_of(stream).durability, PMEMSTREAM_DURABILITY_PROCESS);
    CHECK_EQUAL(pmemstream_persisted_timestamp(stream), 10);
    struct pmemstream_verify_result result;
    CHECK_OK(pmemstream_verify(stream, NULL, NULL, &result));
    CHECK(result.entries == 10 && result.damages == 0);
    pmemstream_delete(&stream);
    /* Whoever only reads changes nothing. */
    options = options_of(0);
    options.read_only = 1;
    options.durability = PMEMSTREAM_DURABILITY_SYNC;
    stream = open_stream(path, &options);
    CHECK_EQUAL(info_of(stream).durability, PMEMSTREAM_DURABILITY_PROCESS);
    pmemstream_delete(&stream);
    options.read_only = 0;
    stream = open_stream(path, &options);
    CHECK_EQUAL(info_of(stream).durability, PMEMSTREAM_DURABILITY_SYNC);
    pmemstream_delete(&stream);
    stream = open_stream(path, NULL);
    CHECK_EQUAL(info_of(stream).durability, PMEMSTREAM_DURABILITY_SYNC);
    pmemstream_delete(&stream);
    CHECK(unlink(path) == 0);
}

static void bad_options(void)
{
    struct pmemstream_options options = options_of(mebibyte);
    struct pmemstream *stream = NULL;
    static const int durabilities[] = {-1, 3, INT_MAX, INT_MIN};
    for (int i = 0; i < 4; ++i) {
        options.durability = durabilities[i];
        CHECK_FAILS(pmemstream_create(path, &options, &stream), EINVAL);
    }
    options = options_of(mebibyte);
    options.max_delay = 1000001;
    CHECK_FAILS(pmemstream_create(path, &options, &stream), EINVAL);
    options = options_of(mebibyte);
    options.prefault = 2;
    CHECK_FAILS(pmemstream_create(path, &options, &stream), EINVAL);
    static const size_t sizes[] = {0, 4, 12, 4, sizeof options + 4, 8192, SIZE_MAX - 7};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; ++i) {
        options = options_of(mebibyte);
        options.struct_size = sizes[i];
        CHECK_FAILS(pmemstream_create(path, &options, &stream), EINVAL);
    }
    CHECK(access(path, F_OK) != 0);
    /* As a program that knows nothing of the newest fields passes it. */
    options = options_of(mebibyte);
    options.durability = -1;
    options.struct_size = offsetof(struct pmemstream_options, max_delay);
    stream = create_stream(path, &options);
    pmemstream_delete(&stream);
    CHECK(unlink(path) == 0);
}

static void delay_and_prefault(void)
{
    struct pmemstream_options options = options_of(2 * mebibyte);
    options.max_delay = 2000;
    options.prefault = 1;
    struct pmemstream *stream = create_stream(path, &options);
    struct appending appending[3];
    pthread_t threads[3];
    for (int i = 0; i < 3; ++i) {
        appending[i] = (struct appending){stream, allocate(stream, 400), 0, 0};
        CHECK(pthread_create(&threads[i], NULL, append_until_stopped, &appending[i]) == 0);
    }
    uint64_t appended = 0;
    for (int i = 0; i < 3; ++i) {
        CHECK(pthread_join(threads[i], NULL) == 0); /* the region is full */
        appended += appending[i].appended;
    }
    CHECK(appended >= 3 * 12);
    CHECK_EQUAL(pmemstream_persisted_timestamp(stream), appended);
    pmemstream_delete(&stream);
    stream = open_stream(path, &options);
    for (int i = 0; i < 3; ++i)
        CHECK_EQUAL(count_entries(stream, appending[i].region), appending[i].appended);
    pmemstream_delete(&stream);
    CHECK(unlink(path) == 0);
}

static void lock_holder(void)
{
    struct pmemstream_options options = options_of(mebibyte);
    struct pmemstream *stream = create_stream(path, &options);
    struct pmemstream *second = (struct pmemstream *)&second;
    CHECK_FAILS(pmemstream_open(path, NULL, &second), EBUSY);
    CHECK(second == NULL);
    char own[32];
    snprintf(own, sizeof own, "process %ld ", (long)getpid());
    CHECK(strstr(pmemstream_errormsg(), own) != NULL);
    pmemstream_delete(&stream);
    stream = open_stream(path, NULL);
    pmemstream_delete(&stream);
    CHECK(unlink(path) == 0);
}

/* A child that was forked shares the open file, and with it the lock. */
static void forked_child(void)
{
    struct pmemstream_options options = options_of(mebibyte);
    struct pmemstream *stream = create_stream(path, &options);
    int pipe_ends[2];
    CHECK(pipe(pipe_ends) == 0);
    const pid_t child = fork();
    if (child == 0) {
        char byte;
        close(pipe_ends[1]);
        _exit(read(pipe_ends[0], &byte, 1) == 0 ? 0 : 1);
    }
    pmemstream_delete(&stream);
    stream = open_stream(path, NULL);
    pmemstream_delete(&stream);
    CHECK(close(pipe_ends[0]) == 0 && close(pipe_ends[1]) == 0);
    int status;
    CHECK(waitpid(child, &status, 0) == child && status == 0);
    CHECK(unlink(path) == 0);
}

/* A reader that opens while the file becomes longer. */
static void *grow_in_steps(void *arg)
{
    struct appending *growing = arg;
    for (uint64_t size = mebibyte; size < 6 * mebibyte; size += 65536)
        CHECK_OK(pmemstream_grow(growing->stream, size));
    __atomic_store_n(&growing->stop, 1, __ATOMIC_RELEASE);
    return NULL;
}

static void opening_beside_growth(void)
{
    struct pmemstream_options options = options_of(mebibyte);
    struct pmemstream *stream = create_stream(path, &options);
    struct appending growing = {stream, allocate(stream, 1000), 0, 0};
    append_text(stream, growing.region, "there");
    const struct pmemstream_options prefaulted = {.struct_size = sizeof prefaulted, .read_only = 1, .prefault = 1};
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, grow_in_steps, &growing) == 0);
    while (!__atomic_load_n(&growing.stop, __ATOMIC_ACQUIRE)) {
        struct pmemstream *reader = open_stream(path, &prefaulted);
        CHECK_EQUAL(info_of(reader).damage_count, 0);
        CHECK_TEXTS(reader, growing.region, "there");
        struct pmemstream_verify_result result;
        CHECK_OK(pmemstream_verify(reader, NULL, NULL, &result));
        CHECK_EQUAL(result.damages, 0);
        pmemstream_delete(&reader);
    }
    CHECK(pthread_join(thread, NULL) == 0);
    pmemstream_delete(&stream);
    CHECK(unlink(path) == 0);
}

/* The bytes of the file that the file system holds as written, as far as it tells; SIZE_MAX where it does not. */
static size_t written_bytes(int fd)
{
    enum { most = 64 };
    struct fiemap *map = calloc(1, sizeof *map + most * sizeof(struct fiemap_extent));
    CHECK(map != NULL);
    map->fm_length = FIEMAP_MAX_OFFSET;
    map->fm_extent_count = most;
    map->fm_flags = FIEMAP_FLAG_SYNC;
    size_t written = SIZE_MAX;
    if (ioctl(fd, FS_IOC_FIEMAP, map) == 0) {
        written = 0;
        for (unsigned i = 0; i < map->fm_mapped_extents; ++i)
            if ((map->fm_extents[i].fe_flags & FIEMAP_EXTENT_UNWRITTEN) == 0)
                written += map->fm_extents[i].fe_length;
    }
    free(map);
    return written;
}

/* On pages a region's space is written a step before it is used: later syncs need not tell the file system. */
static void space_is_written_in_steps(void)
{
    struct pmemstream_options options = options_of(16 * mebibyte);
    struct pmemstream *stream = create_stream(path, &options);
    const int fd = open(path, O_RDONLY);
    CHECK(fd >= 0);
    const struct pmemstream_region region = allocate(stream, 8 * mebibyte);
    const size_t before = written_bytes(fd);
    if (before != SIZE_MAX && info_of(stream).medium == PMEMSTREAM_MEDIUM_PAGE) {
        append_text(stream, region, "the first");
        const size_t after = written_bytes(fd);
        CHECK(after >= before + mebibyte / 2 && after <= before + 2 * mebibyte);
        for (int i = 0; i < 100; ++i)
            append_text(stream, region, "and more");
        CHECK_EQUAL(written_bytes(fd), after);
    }
    CHECK(close(fd) == 0);
    pmemstream_delete(&stream);
    CHECK(unlink(path) == 0);
}

int main(void)
{
    temporary_path(directory, path);
    growing();
    growing_while_appending();
    durabilities();
    bad_options();
    delay_and_prefault();
    lock_holder();
    forked_child();
    opening_beside_growth();
    space_is_written_in_steps();
    CHECK(rmdir(directory) == 0);
    return 0;
}
