/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright the pmemstream authors */

/* Streams in temporary files, mapped by libpmem2, and what the tests often do with them. */
#ifndef TESTS_API_C_FIXTURE_H
#define TESTS_API_C_FIXTURE_H

#include "check.h"

#include <limits.h>
#include <stdbool.h>

/* An open stream and what it lies in. The file has no name any more. */
struct fixture {
    int fd;
    size_t block_size;
    struct pmem2_map *map;
    struct pmemstream *stream;
};

/* A file of `size` zeros in $TMPDIR that goes away with its descriptor. */
int temporary_file(size_t size);
/* A directory in $TMPDIR, for tests that need names; `path` has room for PATH_MAX bytes. */
void temporary_directory(char *path);

/* The same, and the path of a stream in it that is not there yet. */
#define STREAM_PATH_MAX (PATH_MAX + 16)
void temporary_path(char *directory, char *path);

/* Streams with names. */
extern const struct pmemstream_options read_only;
struct pmemstream *create_stream(const char *path, const struct pmemstream_options *options);
struct pmemstream *open_stream(const char *path, const struct pmemstream_options *options);

struct pmem2_map *map_file(int fd);
void unmap(struct pmem2_map **map);

struct fixture fixture_new(size_t size, size_t block_size);
void fixture_delete(struct fixture *fixture);
/* Closes the stream and its map, and opens both again. */
void fixture_reopen(struct fixture *fixture);
/* Copies the file while the stream is open, which is what a killed process leaves, and goes on with the copy. */
void fixture_crash(struct fixture *fixture);
/* The two halves of fixture_reopen(). */
void fixture_close(struct fixture *fixture);
void fixture_open(struct fixture *fixture);

unsigned char *fixture_bytes(const struct fixture *fixture);
size_t fixture_size(const struct fixture *fixture);

/* A copy of the map's bytes, to be freed by the caller. */
unsigned char *snapshot(struct pmem2_map *map);
/* Compares the map with a snapshot that is freed then. */
void check_unchanged(struct pmem2_map *map, unsigned char *before);

struct pmemstream_info info_of(struct pmemstream *stream);
struct pmemstream_region_info region_info_of(struct pmemstream *stream, struct pmemstream_region region);

struct pmemstream_region allocate(struct pmemstream *stream, size_t size);
struct pmemstream_entry append(struct pmemstream *stream, struct pmemstream_region region, const void *data,
                               size_t size);
struct pmemstream_entry append_text(struct pmemstream *stream, struct pmemstream_region region, const char *text);
void wait_persisted(struct pmemstream *stream, uint64_t timestamp);

/* Bytes that depend on `seed`, none of them zero. */
void fill(unsigned char *data, size_t size, unsigned seed);

bool entry_is(struct pmemstream *stream, struct pmemstream_entry entry, const void *data, size_t size);
/* The entries of the region are exactly these texts, in this order; the list ends with NULL. */
void check_texts(struct pmemstream *stream, struct pmemstream_region region, const char *const texts[]);
#define CHECK_TEXTS(stream, region, ...) check_texts(stream, region, (const char *const[]){__VA_ARGS__, NULL})
/* Counts the entries that an iterator shows, and sees that it ends where a region ends. */
size_t count_entries(struct pmemstream *stream, struct pmemstream_region region);

/* What a failed call must leave as it was. */
struct state {
    uint64_t committed;
    uint64_t persisted;
    uint64_t region_count;
    uint64_t free_size;
    uint64_t region_end;
    uint64_t open_reservations;
    size_t usable_size;
};
struct state state_of(struct pmemstream *stream, struct pmemstream_region region);
#define CHECK_SAME_STATE(stream, region, before)                                                                       \
    do {                                                                                                               \
        const struct state check_after = state_of(stream, region);                                                     \
        CHECK(memcmp(&check_after, &(before), sizeof check_after) == 0);                                               \
    } while (0)

#endif
