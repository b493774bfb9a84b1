/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright the pmemstream authors */

/* Opening and creating by path, and what a stream tells about itself. */

#include "fixture.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { stream_size = 256 * 1024 };

static char directory[PATH_MAX];
static char path[STREAM_PATH_MAX];

static struct pmemstream_options options_of(uint64_t size, uint64_t block_size)
{
    struct pmemstream_options options = PMEMSTREAM_OPTIONS_INIT;
    options.size = size;
    options.block_size = block_size;
    return options;
}

static const struct pmemstream_options check_data = {.struct_size = sizeof(struct pmemstream_options), .check_data = 1};

static void check_create_fails(const char *file, const struct pmemstream_options *options, int number)
{
    struct stat status;
    const int was_there = file != NULL && stat(file, &status) == 0;
    struct pmemstream *stream = (struct pmemstream *)&stream;
    CHECK_FAILS(pmemstream_create(file, options, &stream), number);
    CHECK(stream == NULL);
    CHECK((file != NULL && stat(file, &status) == 0) == was_there);
}

static void check_open_fails(const char *file, const struct pmemstream_options *options, int number)
{
    struct pmemstream *stream = (struct pmemstream *)&stream;
    CHECK_FAILS(pmemstream_open(file, options, &stream), number);
    CHECK(stream == NULL);
}

static struct pmemstream_region only_region(struct pmemstream *stream)
{
    struct pmemstream_region_iterator *iterator;
    CHECK_OK(pmemstream_region_iterator_new(&iterator, stream));
    pmemstream_region_iterator_seek_first(iterator);
    CHECK_OK(pmemstream_region_iterator_is_valid(iterator));
    const struct pmemstream_region region = pmemstream_region_iterator_get(iterator);
    pmemstream_region_iterator_delete(&iterator);
    return region;
}

static void creating(void)
{
    struct pmemstream_options options = options_of(stream_size, 0);
    CHECK_FAILS(pmemstream_create(path, &options, NULL), EINVAL);
    CHECK(access(path, F_OK) != 0);
    check_create_fails(NULL, &options, EINVAL);
    check_create_fails(path, NULL, ENOSPC);
    options = options_of(0, 0);
    check_create_fails(path, &options, ENOSPC);
    options = options_of(256, 64);
    check_create_fails(path, &options, ENOSPC);
    options = options_of(UINT64_MAX, 64);
    check_create_fails(path, &options, EFBIG);
    options = options_of(1ULL << 47, 4096); /* more than any disk here has */
    struct pmemstream *stream = (struct pmemstream *)&stream;
    CHECK(pmemstream_create(path, &options, &stream) == -1);
    CHECK((errno == ENOSPC || errno == EFBIG) && stream == NULL && access(path, F_OK) != 0);
    options = options_of(stream_size, 100);
    check_create_fails(path, &options, EINVAL);
    options = options_of(stream_size, 4096);
    options.read_only = 1;
    check_create_fails(path, &options, EINVAL);
    options.read_only = 7;
    check_create_fails(path, &options, EINVAL);
    options = options_of(stream_size, 4096);
    options.slots = (1 << 24) + 1;
    check_create_fails(path, &options, EINVAL);
    options.slots = UINT64_MAX;
    check_create_fails(path, &options, EINVAL);
    options = options_of(stream_size, 4096);
    options.struct_size = 0;
    check_create_fails(path, &options, EINVAL);
    check_create_fails("/nowhere/at/all", &check_data, ENOSPC);
    options = options_of(stream_size, 4096);
    check_create_fails("/nowhere/at/all", &options, ENOENT);
    check_create_fails(directory, &options, EEXIST);

    /* 0 means 4096; the space is really there. */
    options = options_of(stream_size, 0);
    stream = create_stream(path, &options);
    CHECK_EQUAL(info_of(stream).block_size, 4096);
    CHECK_EQUAL(info_of(stream).size, stream_size);
    struct stat status;
    CHECK(stat(path, &status) == 0 && status.st_size == stream_size && status.st_blocks * 512 >= stream_size);
    check_create_fails(path, &options, EEXIST);
    append_text(stream, allocate(stream, 100), "mine");
    check_create_fails(path, &options, EEXIST);
    pmemstream_delete(&stream);
    CHECK(stream == NULL);
    check_create_fails(path, &options, EEXIST);
    stream = open_stream(path, NULL);
    CHECK_TEXTS(stream, only_region(stream), "mine");
    pmemstream_delete(&stream);
    CHECK(unlink(path) == 0);
}

/* So many are under way, and the next one waits for them; fewer than the entries, as many, and more. */
static void slots(void)
{
    static const uint64_t numbers[] = {1, 2, 3, 1000, 1000000, 1 << 24};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; ++i) {
        struct pmemstream_options options = options_of(stream_size, 4096);
        options.slots = numbers[i];
        struct pmemstream *stream = create_stream(path, &options);
        const struct pmemstream_region region = allocate(stream, 10000);
        struct pmemstream_entry entry;
        for (int n = 0; n < 100; ++n)
            CHECK_OK(pmemstream_async_append(stream, NULL, region, NULL, "slots", 5, &entry));
        wait_persisted(stream, 100);
        pmemstream_delete(&stream);
        stream = open_stream(path, &options);
        CHECK_EQUAL(count_entries(stream, region), 100);
        append_text(stream, region, "one more");
        pmemstream_delete(&stream);
        CHECK(unlink(path) == 0);
    }
}

static void opening(void)
{
    check_open_fails(NULL, NULL, EINVAL);
    CHECK_FAILS(pmemstream_open(path, NULL, NULL), EINVAL);
    check_open_fails(path, NULL, ENOENT);
    CHECK(access(path, F_OK) != 0);
    check_open_fails(directory, NULL, EISDIR);
    check_open_fails(directory, &read_only, EISDIR);
    check_open_fails("/dev/null", NULL, EINVAL);

    /* Never creates: an empty file is not a stream. */
    static const off_t sizes[] = {0, 1, 255, 4096, stream_size};
    for (int i = 0; i < 5; ++i) {
        const int fd = open(path, O_RDWR | O_CREAT | O_EXCL, 0600);
        CHECK(fd >= 0 && ftruncate(fd, sizes[i]) == 0);
        check_open_fails(path, NULL, EMEDIUMTYPE);
        check_open_fails(path, &read_only, EMEDIUMTYPE);
        char bytes[4096];
        ssize_t got;
        for (off_t at = 0; (got = pread(fd, bytes, sizeof bytes, at)) > 0; at += got)
            for (ssize_t j = 0; j < got; ++j)
                CHECK(bytes[j] == 0);
        CHECK(close(fd) == 0 && unlink(path) == 0);
    }

    struct pmemstream_options options = options_of(stream_size, 1024);
    struct pmemstream *stream = create_stream(path, &options);
    append_text(stream, allocate(stream, 100), "text");
    /* One writer, of this process or another. */
    check_open_fails(path, NULL, EBUSY);
    const pid_t child = fork();
    if (child == 0) {
        struct pmemstream *again;
        _exit(pmemstream_open(path, NULL, &again) == -1 && errno == EBUSY ? 0 : 1);
    }
    int status;
    CHECK(waitpid(child, &status, 0) == child && status == 0);
    pmemstream_delete(&stream);

    options = options_of(0, 0);
    stream = open_stream(path, &options);
    CHECK_EQUAL(info_of(stream).block_size, 1024);
    pmemstream_delete(&stream);
    options = options_of(1, 1024);
    stream = open_stream(path, &options);
    CHECK_TEXTS(stream, only_region(stream), "text");
    pmemstream_delete(&stream);
    options = options_of(0, 512);
    check_open_fails(path, &options, EINVAL);
    options = options_of(0, 100);
    check_open_fails(path, &options, EINVAL);
    options = options_of(0, 0);
    options.check_data = 2;
    check_open_fails(path, &options, EINVAL);

    /* Options of a program that was built against another version. */
    struct {
        struct pmemstream_options options;
        uint64_t later[4];
    } longer = {options_of(0, 0), {0}};
    longer.options.struct_size = sizeof longer;
    stream = open_stream(path, &longer.options);
    pmemstream_delete(&stream);
    longer.later[2] = 1;
    check_open_fails(path, &longer.options, EINVAL);
    options = options_of(0, 0);
    options.struct_size = offsetof(struct pmemstream_options, read_only);
    options.read_only = 77; /* behind the structure that the caller knows */
    stream = open_stream(path, &options);
    CHECK_EQUAL(info_of(stream).read_only, 0);
    pmemstream_delete(&stream);
    CHECK(unlink(path) == 0);
}

/* Everything that changes a stream fails, and not one byte of the file is written. */
static void reading_only(void)
{
    struct pmemstream_options options = options_of(stream_size, 0);
    struct pmemstream *writer = create_stream(path, &options);
    const struct pmemstream_region region = allocate(writer, 1000);
    const struct pmemstream_entry entry = append_text(writer, region, "persisted");
    struct pmemstream_entry reserved;
    void *data;
    CHECK_OK(pmemstream_reserve(writer, region, NULL, 8, &reserved, &data));
    append_text(writer, region, "behind");

    const int fd = open(path, O_RDONLY);
    static unsigned char before[stream_size];
    static unsigned char after[stream_size];
    CHECK(pread(fd, before, stream_size, 0) == stream_size);
    /* Beside a writer: no lock is taken, and the other's unfinished business is recovered in memory. */
    struct pmemstream *stream = open_stream(path, &read_only);
    CHECK_EQUAL(info_of(stream).read_only, 1);
    CHECK_EQUAL(info_of(stream).was_clean, 0);
    CHECK_TEXTS(stream, region, "persisted", "behind");
    CHECK_EQUAL(pmemstream_persisted_timestamp(stream), 2);
    CHECK(entry_is(stream, entry, "persisted", 9));
    CHECK_FAILS_WITH(pmemstream_entry_data(stream, reserved), NULL, ENOENT);

    struct pmemstream_region other = {7};
    struct pmemstream_entry none = {7};
    data = &data;
    CHECK_FAILS(pmemstream_region_allocate(stream, 100, &other), EROFS);
    CHECK_FAILS(pmemstream_region_free(stream, region), EROFS);
    CHECK_FAILS(pmemstream_append(stream, region, NULL, "x", 1, &none), EROFS);
    CHECK_FAILS(pmemstream_async_append(stream, NULL, region, NULL, "x", 1, &none), EROFS);
    CHECK_FAILS(pmemstream_reserve(stream, region, NULL, 1, &none, &data), EROFS);
    CHECK_FAILS(pmemstream_publish(stream, region, NULL, reserved, 1), EROFS);
    CHECK_FAILS(pmemstream_async_publish(stream, region, NULL, reserved, 1), EROFS);
    CHECK(other.offset == 7 && none.offset == 7 && data == &data);
    struct pmemstream_verify_result result;
    CHECK_OK(pmemstream_verify(stream, NULL, NULL, &result));
    CHECK(result.entries == 2 && result.damages == 0);
    struct pmemstream_async_wait_fut wait = pmemstream_async_wait_persisted(stream, 2);
    CHECK(future_poll(FUTURE_AS_RUNNABLE(&wait), NULL) == FUTURE_STATE_COMPLETE);
    CHECK_EQUAL(FUTURE_OUTPUT(&wait)->error_code, 0);

    /* It shows the entries there were when it was opened. */
    CHECK(pread(fd, after, stream_size, 0) == stream_size);
    CHECK(memcmp(before, after, stream_size) == 0);
    append_text(writer, region, "later");
    CHECK_TEXTS(stream, region, "persisted", "behind");
    CHECK(pread(fd, before, stream_size, 0) == stream_size);
    pmemstream_delete(&stream);
    CHECK(pread(fd, after, stream_size, 0) == stream_size);
    CHECK(memcmp(before, after, stream_size) == 0);
    pmemstream_delete(&writer);
    stream = open_stream(path, &read_only);
    CHECK_EQUAL(info_of(stream).was_clean, 1);
    CHECK_TEXTS(stream, region, "persisted", "behind", "later");
    pmemstream_delete(&stream);
    CHECK(chmod(path, 0444) == 0);
    stream = open_stream(path, &read_only);
    pmemstream_delete(&stream);
    if (geteuid() != 0)
        check_open_fails(path, NULL, EACCES);
    CHECK(close(fd) == 0 && unlink(path) == 0);
}

static void check_reader_sees(struct pmemstream_region region, const char *const texts[], uint64_t persisted)
{
    struct pmemstream *reader = open_stream(path, &read_only);
    check_texts(reader, region, texts);
    CHECK_EQUAL(pmemstream_persisted_timestamp(reader), persisted);
    CHECK_EQUAL(pmemstream_committed_timestamp(reader), persisted);
    const struct pmemstream_info info = info_of(reader);
    CHECK(info.damage_count == 0 && info.dropped_entries == 0);
    pmemstream_delete(&reader);
}
#define CHECK_READER_SEES(region, persisted, ...)                                                                      \
    check_reader_sees(region, (const char *const[]){__VA_ARGS__, NULL}, persisted)

static void async_append_text(struct pmemstream *stream, struct pmemstream_region region, const char *text)
{
    CHECK_OK(pmemstream_async_append(stream, NULL, region, NULL, text, strlen(text), NULL));
}

/* The word in which a writer tells others what is persisted. */
static void write_watermark(uint64_t timestamp)
{
    const int fd = open(path, O_WRONLY);
    CHECK(pwrite(fd, &timestamp, sizeof timestamp, 6144) == sizeof timestamp && close(fd) == 0);
}

/* What a writer has committed may be another entry after a power cut: readers beside him see what is persisted. */
static void beside_a_writer(void)
{
    struct pmemstream_options options = options_of(stream_size, 0);
    struct pmemstream *writer = create_stream(path, &options);
    const struct pmemstream_region region = allocate(writer, 4000);
    const struct pmemstream_region other = allocate(writer, 4000);
    append_text(writer, region, "first");
    CHECK_READER_SEES(region, 1, "first");
    async_append_text(writer, region, "second");
    async_append_text(writer, other, "third");
    CHECK_EQUAL(pmemstream_committed_timestamp(writer), 3);
    CHECK_READER_SEES(region, 1, "first");
    CHECK_READER_SEES(other, 1, NULL);
    wait_persisted(writer, 3);
    CHECK_READER_SEES(region, 3, "first", "second");
    CHECK_READER_SEES(other, 3, "third");
    async_append_text(writer, other, "fourth");
    pmemstream_delete(&writer);
    CHECK_READER_SEES(other, 4, "third", "fourth");

    /* What a killed one leaves is all there will be. */
    int to_parent[2];
    CHECK(pipe(to_parent) == 0);
    const pid_t child = fork();
    if (child == 0) {
        writer = open_stream(path, NULL);
        append_text(writer, region, "fifth");
        async_append_text(writer, region, "sixth");
        CHECK(write(to_parent[1], "", 1) == 1);
        pause();
        _exit(1);
    }
    char byte;
    CHECK(read(to_parent[0], &byte, 1) == 1);
    CHECK_READER_SEES(region, 5, "first", "second", "fifth");
    int status;
    CHECK(kill(child, SIGKILL) == 0 && waitpid(child, &status, 0) == child);
    CHECK(close(to_parent[0]) == 0 && close(to_parent[1]) == 0);
    CHECK_READER_SEES(region, 6, "first", "second", "fifth", "sixth");

    /* The word of a writer who is gone tells nothing, to readers and to the next one. */
    write_watermark(UINT64_MAX);
    CHECK_READER_SEES(region, 6, "first", "second", "fifth", "sixth");
    writer = open_stream(path, NULL);
    async_append_text(writer, region, "seventh");
    CHECK_READER_SEES(region, 6, "first", "second", "fifth", "sixth");
    append_text(writer, region, "eighth");
    CHECK_READER_SEES(region, info_of(writer).persisted_timestamp, "first", "second", "fifth", "sixth", "seventh",
                      "eighth");
    pmemstream_delete(&writer);
    write_watermark(0);
    CHECK_READER_SEES(region, 8, "first", "second", "fifth", "sixth", "seventh", "eighth");

    /* What is persisted otherwise, to the end of the process, is seen at once. */
    options.durability = PMEMSTREAM_DURABILITY_PROCESS;
    writer = open_stream(path, &options);
    append_text(writer, other, "ninth");
    CHECK_READER_SEES(other, 9, "third", "fourth", "ninth");
    pmemstream_delete(&writer);
    CHECK(unlink(path) == 0);
}

static void checking_data(void)
{
    struct pmemstream_options options = options_of(stream_size, 0);
    struct pmemstream *stream = create_stream(path, &options);
    const struct pmemstream_region region = allocate(stream, 1000);
    const struct pmemstream_entry first = append_text(stream, region, "first");
    const struct pmemstream_entry second = append_text(stream, region, "second");
    const struct pmemstream_entry third = append_text(stream, region, "third");
    pmemstream_delete(&stream);
    const int fd = open(path, O_RDWR);
    CHECK(pwrite(fd, "S", 1, (off_t)second.offset + 16) == 1 && close(fd) == 0);

    stream = open_stream(path, NULL);
    CHECK_TEXTS(stream, region, "first", "Second", "third");
    pmemstream_delete(&stream);
    stream = open_stream(path, &check_data);
    CHECK(entry_is(stream, first, "first", 5));
    CHECK_FAILS_WITH(pmemstream_entry_data(stream, second), NULL, EUCLEAN);
    struct pmemstream_entry_iterator *iterator;
    CHECK_OK(pmemstream_entry_iterator_new(&iterator, stream, region));
    pmemstream_entry_iterator_seek_first(iterator);
    CHECK_EQUAL(pmemstream_entry_iterator_get(iterator).offset, first.offset);
    pmemstream_entry_iterator_next(iterator);
    CHECK_FAILS(pmemstream_entry_iterator_is_valid(iterator), EUCLEAN);
    CHECK_OK(pmemstream_entry_iterator_skip_damage(iterator));
    CHECK_EQUAL(pmemstream_entry_iterator_get(iterator).offset, third.offset);
    pmemstream_entry_iterator_delete(&iterator);
    pmemstream_delete(&stream);
    CHECK(unlink(path) == 0);
}

/* A writer that was killed: its lock is gone, what it was told is there. */
static void killed_writer(void)
{
    const pid_t child = fork();
    if (child == 0) {
        const struct pmemstream_options options = options_of(stream_size, 0);
        struct pmemstream *stream = create_stream(path, &options);
        const struct pmemstream_region region = allocate(stream, 1000);
        append_text(stream, region, "one");
        append_text(stream, region, "two");
        _exit(0);
    }
    int status;
    CHECK(waitpid(child, &status, 0) == child && status == 0);
    struct pmemstream *stream = open_stream(path, NULL);
    const struct pmemstream_info info = info_of(stream);
    CHECK(info.was_clean == 0 && info.damage_count == 0 && info.dropped_entries == 0);
    CHECK_EQUAL(info.recovered_entries, 2);
    CHECK_TEXTS(stream, only_region(stream), "one", "two");
    struct pmemstream_dropped_entry dropped = {.size = 7};
    CHECK_FAILS(pmemstream_get_dropped_entry(stream, 0, &dropped), ENOENT);
    CHECK_FAILS(pmemstream_get_dropped_entry(stream, UINT64_MAX, &dropped), ENOENT);
    CHECK_FAILS(pmemstream_get_dropped_entry(NULL, 0, &dropped), EINVAL);
    CHECK_FAILS(pmemstream_get_dropped_entry(stream, 0, NULL), EINVAL);
    CHECK_EQUAL(dropped.size, 7);
    pmemstream_delete(&stream);
    CHECK(unlink(path) == 0);
}

/* An entry is lost in a crash: what lies behind it is dropped, and told. */
static void dropped_entries(void)
{
    struct fixture fixture = fixture_new(stream_size, 4096);
    const struct pmemstream_region regions[] = {allocate(fixture.stream, 1000), allocate(fixture.stream, 1000)};
    append_text(fixture.stream, regions[0], "one");
    const struct pmemstream_entry torn = append_text(fixture.stream, regions[0], "two");
    const struct pmemstream_entry third = append_text(fixture.stream, regions[1], "three");
    const struct pmemstream_entry fourth = append_text(fixture.stream, regions[1], "fourth");
    const uint64_t torn_at = torn.offset + 16;
    fixture_bytes(&fixture)[torn_at] ^= 1;
    fixture_crash(&fixture);
    CHECK_EQUAL(pmemstream_persisted_timestamp(fixture.stream), 1);
    CHECK_EQUAL(info_of(fixture.stream).recovered_entries, 1);
    CHECK_EQUAL(info_of(fixture.stream).dropped_entries, 2);
    struct pmemstream_dropped_entry dropped;
    CHECK_OK(pmemstream_get_dropped_entry(fixture.stream, 0, &dropped));
    CHECK(dropped.region.offset == regions[1].offset && dropped.entry.offset == third.offset);
    CHECK(dropped.timestamp == 3 && dropped.size == 5);
    CHECK_OK(pmemstream_get_dropped_entry(fixture.stream, 1, &dropped));
    CHECK(dropped.entry.offset == fourth.offset && dropped.timestamp == 4 && dropped.size == 6);
    CHECK_FAILS(pmemstream_get_dropped_entry(fixture.stream, 2, &dropped), ENOENT);
    CHECK_TEXTS(fixture.stream, regions[0], "one");
    CHECK_EQUAL(count_entries(fixture.stream, regions[1]), 0);
    /* They stay dropped when the timestamps reach their numbers again. */
    for (int i = 0; i < 5; ++i)
        append_text(fixture.stream, regions[0], "new");
    fixture_crash(&fixture);
    CHECK_EQUAL(count_entries(fixture.stream, regions[1]), 0);
    CHECK_EQUAL(info_of(fixture.stream).dropped_entries, 0);
    fixture_delete(&fixture);
}

static void infos(void)
{
    struct fixture fixture = fixture_new(stream_size, 1024);
    struct pmemstream *stream = fixture.stream;
    const struct pmemstream_region region = allocate(stream, 3000);
    struct pmemstream_info info;
    memset(&info, 0xaa, sizeof info);
    CHECK_FAILS(pmemstream_get_info(NULL, &info, sizeof info), EINVAL);
    CHECK_FAILS(pmemstream_get_info(stream, NULL, sizeof info), EINVAL);
    CHECK_FAILS(pmemstream_get_info(stream, &info, 0), EINVAL);
    for (size_t i = 0; i < sizeof info; ++i)
        CHECK(((unsigned char *)&info)[i] == 0xaa);

    info = info_of(stream);
    int uuid_bits = 0;
    for (int i = 0; i < 16; ++i)
        uuid_bits |= info.uuid[i];
    CHECK(uuid_bits != 0 && info.format_version == 1 && info.read_only == 0);
    CHECK(info.size == stream_size && info.block_size == 1024 && info.metadata_size <= 16384);
    CHECK_EQUAL(info.region_count, 1);
    CHECK_EQUAL(info.free_size, stream_size - info.metadata_size - 3072);
    CHECK_EQUAL(info.largest_free_size, info.free_size - 64);
    CHECK(info.committed_timestamp == 0 && info.persisted_timestamp == 0 && info.damage_count == 0);
    const char *forced = getenv("PMEM2_FORCE_GRANULARITY");
    if (forced != NULL)
        CHECK_EQUAL(info.medium, strcmp(forced, "BYTE") == 0         ? PMEMSTREAM_MEDIUM_BYTE
                                 : strcmp(forced, "CACHE_LINE") == 0 ? PMEMSTREAM_MEDIUM_CACHE_LINE
                                                                     : PMEMSTREAM_MEDIUM_PAGE);

    /* As much as the caller's structure has, and not a byte more. */
    struct {
        struct pmemstream_info info;
        unsigned char behind[32];
    } larger;
    memset(&larger, 0xaa, sizeof larger);
    CHECK_OK(pmemstream_get_info(stream, &larger.info, 20));
    for (size_t i = 20; i < sizeof larger; ++i)
        CHECK(((unsigned char *)&larger)[i] == 0xaa);
    CHECK(memcmp(&larger, &info, 20) == 0);
    CHECK_OK(pmemstream_get_info(stream, &larger.info, sizeof larger));
    for (size_t i = 0; i < sizeof larger.behind; ++i)
        CHECK(larger.behind[i] == 0);
    CHECK_EQUAL(larger.info.size, stream_size);

    struct pmemstream_region_info own = {.size = 7};
    CHECK_FAILS(pmemstream_get_region_info(NULL, region, &own, sizeof own), EINVAL);
    CHECK_FAILS(pmemstream_get_region_info(stream, region, NULL, sizeof own), EINVAL);
    CHECK_FAILS(pmemstream_get_region_info(stream, region, &own, 0), EINVAL);
    CHECK_EQUAL(own.size, 7);
    own = region_info_of(stream, region);
    CHECK(own.size == 3008 && own.usable_size == 3008 && own.open_reservations == 0);
    CHECK_EQUAL(own.data_offset, region.offset + 64);
    CHECK_EQUAL(own.end_offset, own.data_offset);
    CHECK_EQUAL(own.checkpoint_offset, UINT64_MAX);
    const struct pmemstream_entry entry = append_text(stream, region, "12345");
    own = region_info_of(stream, region);
    CHECK(own.end_offset == entry.offset + 24 && own.usable_size == 3008 - 24);
    CHECK(own.limit_offset >= own.end_offset && own.limit_offset <= region.offset + 3072);
    fixture_reopen(&fixture);
    CHECK(info_of(fixture.stream).was_clean == 1);
    own = region_info_of(fixture.stream, region);
    CHECK(own.checkpoint_offset == entry.offset && own.limit_offset == own.end_offset);
    CHECK(memcmp(info_of(fixture.stream).uuid, info.uuid, 16) == 0);
    fixture_delete(&fixture);
}

static void *fresh_thread(void *arg)
{
    (void)arg;
    CHECK(pmemstream_errormsg()[0] == '\0');
    CHECK_FAILS_WITH(pmemstream_committed_timestamp(NULL), 0, EINVAL);
    CHECK(strstr(pmemstream_errormsg(), "stream") != NULL);
    return NULL;
}

/* Per thread, a sentence per kind of error, and a string that stays valid. */
static void messages(void)
{
    CHECK_FAILS(pmemstream_open("/nowhere/at/all", NULL, &(struct pmemstream *){NULL}), ENOENT);
    char before[256];
    const char *message = pmemstream_errormsg();
    CHECK(strlen(message) < sizeof before);
    strcpy(before, message);
    CHECK(strchr(before, ' ') != NULL);
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, fresh_thread, NULL) == 0);
    CHECK(pthread_join(thread, NULL) == 0);
    CHECK(strcmp(pmemstream_errormsg(), before) == 0);
    CHECK_FAILS(pmemstream_entry_iterator_is_valid(NULL), EINVAL);
    CHECK(strcmp(pmemstream_errormsg(), before) != 0 && strstr(pmemstream_errormsg(), "iterator") != NULL);
}

int main(void)
{
    CHECK(pmemstream_errormsg()[0] == '\0');
    temporary_path(directory, path);
    creating();
    slots();
    opening();
    reading_only();
    beside_a_writer();
    checking_data();
    killed_writer();
    dropped_entries();
    infos();
    messages();
    CHECK(rmdir(directory) == 0);
    return 0;
}
