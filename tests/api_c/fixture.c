/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright the pmemstream authors */

#include "fixture.h"

#include <unistd.h>

static void temporary_name(char *path)
{
    const char *directory = getenv("TMPDIR");
    CHECK(snprintf(path, PATH_MAX, "%s/pmemstream-api-c.XXXXXX", directory == NULL ? "/tmp" : directory) < PATH_MAX);
}

int temporary_file(size_t size)
{
    char path[PATH_MAX];
    temporary_name(path);
    const int fd = mkstemp(path);
    CHECK(fd >= 0);
    CHECK(unlink(path) == 0);
    CHECK(ftruncate(fd, (off_t)size) == 0);
    return fd;
}

void temporary_directory(char *path)
{
    temporary_name(path);
    CHECK(mkdtemp(path) == path);
}

void temporary_path(char *directory, char *path)
{
    temporary_directory(directory);
    CHECK(snprintf(path, STREAM_PATH_MAX, "%s/stream", directory) < STREAM_PATH_MAX);
}

const struct pmemstream_options read_only = {.struct_size = sizeof(struct pmemstream_options), .read_only = 1};

struct pmemstream *create_stream(const char *path, const struct pmemstream_options *options)
{
    struct pmemstream *stream = NULL;
    CHECK_OK(pmemstream_create(path, options, &stream));
    CHECK(stream != NULL);
    return stream;
}

struct pmemstream *open_stream(const char *path, const struct pmemstream_options *options)
{
    struct pmemstream *stream = NULL;
    CHECK_OK(pmemstream_open(path, options, &stream));
    CHECK(stream != NULL);
    return stream;
}

struct pmem2_map *map_file(int fd)
{
    struct pmem2_config *config = NULL;
    struct pmem2_source *source = NULL;
    struct pmem2_map *map = NULL;
    CHECK(pmem2_config_new(&config) == 0);
    CHECK(pmem2_source_from_fd(&source, fd) == 0);
    CHECK(pmem2_config_set_required_store_granularity(config, PMEM2_GRANULARITY_PAGE) == 0);
    if (pmem2_map_new(&map, config, source) != 0)
        CHECK_REPORT("pmem2_map_new: %s", pmem2_errormsg());
    CHECK(pmem2_source_delete(&source) == 0);
    CHECK(pmem2_config_delete(&config) == 0);
    return map;
}

void unmap(struct pmem2_map **map)
{
    CHECK(pmem2_map_delete(map) == 0);
}

struct fixture fixture_new(size_t size, size_t block_size)
{
    struct fixture fixture = {.fd = temporary_file(size), .block_size = block_size};
    fixture_open(&fixture);
    return fixture;
}

void fixture_delete(struct fixture *fixture)
{
    fixture_close(fixture);
    CHECK(close(fixture->fd) == 0);
}

void fixture_close(struct fixture *fixture)
{
    pmemstream_delete(&fixture->stream);
    CHECK(fixture->stream == NULL);
    unmap(&fixture->map);
}

void fixture_open(struct fixture *fixture)
{
    fixture->map = map_file(fixture->fd);
    CHECK_OK(pmemstream_from_map(&fixture->stream, fixture->block_size, fixture->map));
    CHECK(fixture->stream != NULL);
}

void fixture_reopen(struct fixture *fixture)
{
    fixture_close(fixture);
    fixture_open(fixture);
}

void fixture_crash(struct fixture *fixture)
{
    const size_t size = fixture_size(fixture);
    struct fixture copy = {.fd = temporary_file(size), .block_size = fixture->block_size};
    CHECK(pwrite(copy.fd, fixture_bytes(fixture), size, 0) == (ssize_t)size);
    fixture_delete(fixture);
    fixture_open(&copy);
    *fixture = copy;
}

unsigned char *fixture_bytes(const struct fixture *fixture)
{
    return pmem2_map_get_address(fixture->map);
}

size_t fixture_size(const struct fixture *fixture)
{
    return pmem2_map_get_size(fixture->map);
}

unsigned char *snapshot(struct pmem2_map *map)
{
    const size_t size = pmem2_map_get_size(map);
    unsigned char *copy = malloc(size);
    CHECK(copy != NULL);
    memcpy(copy, pmem2_map_get_address(map), size);
    return copy;
}

void check_unchanged(struct pmem2_map *map, unsigned char *before)
{
    const unsigned char *now = pmem2_map_get_address(map);
    for (size_t i = 0; i < pmem2_map_get_size(map); ++i)
        if (now[i] != before[i])
            CHECK_REPORT("byte %zu of the map changed from %#x to %#x", i, before[i], now[i]);
    free(before);
}

struct pmemstream_info info_of(struct pmemstream *stream)
{
    struct pmemstream_info info;
    CHECK_OK(pmemstream_get_info(stream, &info, sizeof info));
    return info;
}

struct pmemstream_region_info region_info_of(struct pmemstream *stream, struct pmemstream_region region)
{
    struct pmemstream_region_info info;
    CHECK_OK(pmemstream_get_region_info(stream, region, &info, sizeof info));
    return info;
}

struct pmemstream_region allocate(struct pmemstream *stream, size_t size)
{
    struct pmemstream_region region = {PMEMSTREAM_INVALID_OFFSET};
    CHECK_OK(pmemstream_region_allocate(stream, size, &region));
    CHECK(region.offset != PMEMSTREAM_INVALID_OFFSET);
    return region;
}

struct pmemstream_entry append(struct pmemstream *stream, struct pmemstream_region region, const void *data,
                               size_t size)
{
    struct pmemstream_entry entry = {PMEMSTREAM_INVALID_OFFSET};
    CHECK_OK(pmemstream_append(stream, region, NULL, data, size, &entry));
    CHECK(entry.offset != PMEMSTREAM_INVALID_OFFSET);
    return entry;
}

struct pmemstream_entry append_text(struct pmemstream *stream, struct pmemstream_region region, const char *text)
{
    return append(stream, region, text, strlen(text));
}

void wait_persisted(struct pmemstream *stream, uint64_t timestamp)
{
    struct pmemstream_async_wait_fut wait = pmemstream_async_wait_persisted(stream, timestamp);
    FUTURE_BUSY_POLL(&wait);
    CHECK_EQUAL(FUTURE_OUTPUT(&wait)->error_code, 0);
    CHECK(pmemstream_persisted_timestamp(stream) >= timestamp);
}

void fill(unsigned char *data, size_t size, unsigned seed)
{
    for (size_t i = 0; i < size; ++i) {
        seed = seed * 1664525 + 1013904223;
        data[i] = (unsigned char)(seed >> 24 | 1);
    }
}

bool entry_is(struct pmemstream *stream, struct pmemstream_entry entry, const void *data, size_t size)
{
    errno = ERRNO_UNTOUCHED;
    const unsigned char *found = pmemstream_entry_data(stream, entry);
    return found != NULL && (uintptr_t)found % 8 == 0 && pmemstream_entry_size(stream, entry) == size &&
           errno == ERRNO_UNTOUCHED && (size == 0 || memcmp(found, data, size) == 0);
}

void check_texts(struct pmemstream *stream, struct pmemstream_region region, const char *const texts[])
{
    struct pmemstream_entry_iterator *iterator = NULL;
    CHECK_OK(pmemstream_entry_iterator_new(&iterator, stream, region));
    pmemstream_entry_iterator_seek_first(iterator);
    for (; *texts != NULL; ++texts) {
        const struct pmemstream_entry entry = pmemstream_entry_iterator_get(iterator);
        if (pmemstream_entry_iterator_is_valid(iterator) != 0)
            CHECK_REPORT("the region ends where \"%s\" should be", *texts);
        if (!entry_is(stream, entry, *texts, strlen(*texts)))
            CHECK_REPORT("the entry is not \"%s\" but \"%.*s\"", *texts, (int)pmemstream_entry_size(stream, entry),
                         (const char *)pmemstream_entry_data(stream, entry));
        pmemstream_entry_iterator_next(iterator);
    }
    CHECK_FAILS(pmemstream_entry_iterator_is_valid(iterator), ENOENT);
    pmemstream_entry_iterator_delete(&iterator);
}

size_t count_entries(struct pmemstream *stream, struct pmemstream_region region)
{
    size_t count = 0;
    struct pmemstream_entry_iterator *iterator = NULL;
    CHECK_OK(pmemstream_entry_iterator_new(&iterator, stream, region));
    pmemstream_entry_iterator_seek_first(iterator);
    for (; pmemstream_entry_iterator_is_valid(iterator) == 0; pmemstream_entry_iterator_next(iterator))
        ++count;
    CHECK_FAILS(pmemstream_entry_iterator_is_valid(iterator), ENOENT);
    pmemstream_entry_iterator_delete(&iterator);
    return count;
}

struct state state_of(struct pmemstream *stream, struct pmemstream_region region)
{
    const struct pmemstream_info info = info_of(stream);
    const struct pmemstream_region_info region_info = region_info_of(stream, region);
    const struct state state = {
        .committed = pmemstream_committed_timestamp(stream),
        .persisted = pmemstream_persisted_timestamp(stream),
        .region_count = info.region_count,
        .free_size = info.free_size,
        .region_end = region_info.end_offset,
        .open_reservations = region_info.open_reservations,
        .usable_size = pmemstream_region_usable_size(stream, region),
    };
    return state;
}
