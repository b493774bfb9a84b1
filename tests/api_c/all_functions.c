/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright the pmemstream authors */

/*
 * Uses each of the 31 functions of libpmemstream 0.2, on a file in $TMPDIR. Needs nothing but the public headers: the
 * installation is tested by building it far from this source tree.
 */

#include <libpmemstream.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int expect(int holds, const char *what, int line)
{
    if (holds)
        return 0;
    fprintf(stderr, "line %d: failed: %s (errno %d)\n", line, what, errno);
    exit(1);
}

#define EXPECT(condition) expect((condition), #condition, __LINE__)

static FILE *temporary_file(size_t size)
{
    char path[512];
    const char *directory = getenv("TMPDIR");
    snprintf(path, sizeof path, "%s/all-functions-%ld", directory == NULL ? "/tmp" : directory, (long)getpid());
    FILE *file = fopen(path, "w+x");
    EXPECT(file != NULL);
    EXPECT(remove(path) == 0);
    EXPECT(fseek(file, (long)size - 1, SEEK_SET) == 0);
    EXPECT(fputc(0, file) == 0);
    EXPECT(fflush(file) == 0);
    return file;
}

static struct pmem2_map *map_file(FILE *file)
{
    struct pmem2_config *config = NULL;
    struct pmem2_source *source = NULL;
    struct pmem2_map *map = NULL;
    EXPECT(pmem2_config_new(&config) == 0);
    EXPECT(pmem2_source_from_fd(&source, fileno(file)) == 0);
    EXPECT(pmem2_config_set_required_store_granularity(config, PMEM2_GRANULARITY_PAGE) == 0);
    EXPECT(pmem2_map_new(&map, config, source) == 0);
    pmem2_source_delete(&source);
    pmem2_config_delete(&config);
    return map;
}

static void wait_for(struct pmemstream *stream, uint64_t timestamp)
{
    struct pmemstream_async_wait_fut committed = pmemstream_async_wait_committed(stream, timestamp);
    struct pmemstream_async_wait_fut persisted = pmemstream_async_wait_persisted(stream, timestamp);
    struct runtime *runtime = runtime_new();
    EXPECT(runtime != NULL);
    runtime_wait(runtime, FUTURE_AS_RUNNABLE(&committed));
    runtime_wait(runtime, FUTURE_AS_RUNNABLE(&persisted));
    runtime_delete(runtime);
    EXPECT(FUTURE_OUTPUT(&committed)->error_code == 0 && FUTURE_OUTPUT(&persisted)->error_code == 0);
    EXPECT(pmemstream_committed_timestamp(stream) >= timestamp);
    EXPECT(pmemstream_persisted_timestamp(stream) >= timestamp);
}

/* Writes a text in each of the five ways. */
static void write_texts(struct pmemstream *stream, struct pmemstream_region region)
{
    struct pmemstream_region_runtime *runtime = NULL;
    struct pmemstream_entry entry;
    void *data;
    EXPECT(pmemstream_region_runtime_initialize(stream, region, &runtime) == 0);
    EXPECT(pmemstream_append(stream, region, runtime, "append", 6, &entry) == 0);
    EXPECT(pmemstream_entry_timestamp(stream, entry) == PMEMSTREAM_FIRST_TIMESTAMP);

    EXPECT(pmemstream_reserve(stream, region, runtime, 7, &entry, &data) == 0);
    EXPECT(pmemstream_abort(stream, region, runtime, entry) == 0);
    EXPECT(pmemstream_reserve(stream, region, runtime, 7, &entry, &data) == 0);
    memcpy(data, "publish", 7);
    EXPECT(pmemstream_publish(stream, region, runtime, entry, 7) == 0);

    EXPECT(pmemstream_reserve(stream, region, runtime, 13, &entry, &data) == 0);
    memcpy(data, "async publish", 13);
    EXPECT(pmemstream_async_publish(stream, region, runtime, entry, 13) == 0);

    struct data_mover_sync *sync = data_mover_sync_new();
    struct data_mover_threads *threads = data_mover_threads_default();
    EXPECT(sync != NULL && threads != NULL);
    EXPECT(pmemstream_async_append(stream, data_mover_sync_get_vdm(sync), region, runtime, "sync mover", 10, &entry) ==
           0);
    EXPECT(pmemstream_async_append(stream, data_mover_threads_get_vdm(threads), region, NULL, "threads mover", 13,
                                   &entry) == 0);
    wait_for(stream, pmemstream_entry_timestamp(stream, entry));
    data_mover_threads_delete(threads);
    data_mover_sync_delete(sync);
}

static void read_texts(struct pmemstream *stream, struct pmemstream_region region)
{
    static const char *const texts[] = {"append", "publish", "async publish", "sync mover", "threads mover"};
    struct pmemstream_entry_iterator *iterator = NULL;
    EXPECT(pmemstream_entry_iterator_new(&iterator, stream, region) == 0);
    pmemstream_entry_iterator_seek_first(iterator);
    for (uint64_t i = 0; i < 5; ++i) {
        EXPECT(pmemstream_entry_iterator_is_valid(iterator) == 0);
        const struct pmemstream_entry entry = pmemstream_entry_iterator_get(iterator);
        EXPECT(pmemstream_entry_size(stream, entry) == strlen(texts[i]));
        EXPECT(memcmp(pmemstream_entry_data(stream, entry), texts[i], strlen(texts[i])) == 0);
        EXPECT(pmemstream_entry_timestamp(stream, entry) == i + 1);
        pmemstream_entry_iterator_next(iterator);
    }
    EXPECT(pmemstream_entry_iterator_is_valid(iterator) == -1);
    pmemstream_entry_iterator_delete(&iterator);
}

static void list_regions(struct pmemstream *stream, const struct pmemstream_region *regions, int count)
{
    struct pmemstream_region_iterator *iterator = NULL;
    EXPECT(pmemstream_region_iterator_new(&iterator, stream) == 0);
    pmemstream_region_iterator_seek_first(iterator);
    for (int i = 0; i < count; ++i) {
        EXPECT(pmemstream_region_iterator_is_valid(iterator) == 0);
        EXPECT(pmemstream_region_iterator_get(iterator).offset == regions[i].offset);
        pmemstream_region_iterator_next(iterator);
    }
    EXPECT(pmemstream_region_iterator_is_valid(iterator) == -1);
    pmemstream_region_iterator_delete(&iterator);
}

int main(void)
{
    FILE *file = temporary_file(1 << 20);
    struct pmem2_map *map = map_file(file);
    struct pmemstream *stream = NULL;
    struct pmemstream_region regions[2];
    EXPECT(pmemstream_from_map(&stream, 4096, map) == 0);
    EXPECT(pmemstream_region_allocate(stream, 10000, &regions[0]) == 0);
    EXPECT(pmemstream_region_allocate(stream, 100, &regions[1]) == 0);
    EXPECT(pmemstream_region_size(stream, regions[0]) == 3 * 4096 - 64);
    EXPECT(pmemstream_region_usable_size(stream, regions[0]) == 3 * 4096 - 64);
    write_texts(stream, regions[0]);
    read_texts(stream, regions[0]);
    list_regions(stream, regions, 2);
    EXPECT(pmemstream_region_free(stream, regions[1]) == 0);
    EXPECT(pmemstream_region_free(stream, regions[1]) == -1);
    pmemstream_delete(&stream);
    pmem2_map_delete(&map);

    map = map_file(file);
    EXPECT(pmemstream_from_map(&stream, 4096, map) == 0);
    list_regions(stream, regions, 1);
    read_texts(stream, regions[0]);
    pmemstream_delete(&stream);
    pmem2_map_delete(&map);
    fclose(file);
    puts("all functions work");
    return 0;
}
