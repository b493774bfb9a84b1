/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright the pmemstream authors */

/* pmemstream_from_map: what is formatted, what is opened, and what is refused and left as it was. */

#include "fixture.h"

#include <sys/mman.h>
#include <unistd.h>

enum { block = 4096, stream_size = 256 * 1024 };

/* Refused with this errno, *stream NULL, not one byte changed. */
static void check_refused(int fd, size_t block_size, int number)
{
    struct pmem2_map *map = map_file(fd);
    unsigned char *before = snapshot(map);
    struct pmemstream *stream = (struct pmemstream *)&stream;
    CHECK_FAILS(pmemstream_from_map(&stream, block_size, map), number);
    CHECK(stream == NULL);
    check_unchanged(map, before);
    unmap(&map);
}

static void null_arguments(void)
{
    struct pmemstream *stream = (struct pmemstream *)&stream;
    CHECK_FAILS(pmemstream_from_map(&stream, block, NULL), EINVAL);
    CHECK(stream == NULL);
    const int fd = temporary_file(stream_size);
    struct pmem2_map *map = map_file(fd);
    CHECK_FAILS(pmemstream_from_map(NULL, block, map), EINVAL);
    unmap(&map);
    close(fd);

    errno = ERRNO_UNTOUCHED;
    pmemstream_delete(NULL);
    stream = NULL;
    pmemstream_delete(&stream);
    CHECK(stream == NULL);
    CHECK_EQUAL(errno, ERRNO_UNTOUCHED);
}

static void block_sizes(void)
{
    static const size_t wrong[] = {
        0,    1,    2,     8,        32,   63,   65,   96,    100,   127,           192,         320,
        4095, 4097, 12288, SIZE_MAX, 3072, 6144, 6400, 65535, 65600, SIZE_MAX - 63, SIZE_MAX / 2};
    const int fd = temporary_file(stream_size);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; ++i)
        check_refused(fd, wrong[i], EINVAL);
    /* Right in itself, but no map of this size holds a block. */
    check_refused(fd, stream_size, ENOSPC);
    check_refused(fd, (size_t)1 << 40, ENOSPC);
    check_refused(fd, (size_t)1 << 62, ENOSPC);
    check_refused(fd, (size_t)1 << 63, ENOSPC);
    close(fd);

    for (size_t size = 64; size <= 65536; size *= 2) {
        struct fixture fixture = fixture_new(stream_size, size);
        const struct pmemstream_region region = allocate(fixture.stream, 1000);
        CHECK_EQUAL(region.offset % size, 0);
        append_text(fixture.stream, region, "something");
        CHECK_EQUAL(info_of(fixture.stream).block_size, size);
        const uint64_t metadata_size = info_of(fixture.stream).metadata_size;
        CHECK(region.offset >= metadata_size);
        CHECK(metadata_size <= (size == 4096 ? 8192 : size > 16384 ? size : 16384));
        fixture_reopen(&fixture);
        CHECK_TEXTS(fixture.stream, region, "something");
        fixture_delete(&fixture);
    }
}

/* With blocks of 4096 bytes, all but 8 KiB are for regions. */
static void metadata_takes_two_pages(void)
{
    struct fixture fixture = fixture_new(8192 + 5 * 4096, 4096);
    for (int i = 0; i < 5; ++i)
        allocate(fixture.stream, 4096 - 64);
    struct pmemstream_region region = {7};
    CHECK_FAILS(pmemstream_region_allocate(fixture.stream, 1, &region), ENOSPC);
    CHECK_EQUAL(region.offset, 7);
    fixture_delete(&fixture);
}

static void small_maps(void)
{
    struct fixture fixture = fixture_new(10240, 64);
    const struct pmemstream_region region = allocate(fixture.stream, 64);
    append_text(fixture.stream, region, "small");
    fixture_reopen(&fixture);
    CHECK_TEXTS(fixture.stream, region, "small");
    fixture_delete(&fixture);

    static const size_t sizes[] = {1, 8, 63, 64, 128, 255, 256};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; ++i) {
        const int fd = temporary_file(sizes[i]);
        check_refused(fd, 64, ENOSPC);
        close(fd);
    }
    /* In between, a map is refused as it is, or it holds at least one region. */
    for (size_t size = 320; size <= 12288; size += 61) {
        const int fd = temporary_file(size);
        struct pmem2_map *map = map_file(fd);
        unsigned char *before = snapshot(map);
        struct pmemstream *stream;
        if (pmemstream_from_map(&stream, 64, map) == 0) {
            free(before);
            append(stream, allocate(stream, 1), "", 0);
            pmemstream_delete(&stream);
        } else {
            CHECK_EQUAL(errno, ENOSPC);
            CHECK(size < 10240);
            check_unchanged(map, before);
        }
        unmap(&map);
        close(fd);
    }
}

static void put(int fd, size_t offset, const void *bytes, size_t size)
{
    CHECK(pwrite(fd, bytes, size, (off_t)offset) == (ssize_t)size);
}

static void what_is_empty(void)
{
    static const size_t inside[] = {0, 1, 7, 8, 511, 4096, 8192, 32768, 65535};
    for (size_t i = 0; i < sizeof inside / sizeof *inside; ++i) {
        const int fd = temporary_file(stream_size);
        put(fd, inside[i], "\1", 1);
        check_refused(fd, block, EMEDIUMTYPE);
        close(fd);
    }
    /* All of a map that is smaller than 64 KiB counts. */
    int fd = temporary_file(10240);
    put(fd, 10239, "\1", 1);
    check_refused(fd, 64, EMEDIUMTYPE);
    close(fd);

    /* What lies behind them is formatted over, and never taken for entries. */
    struct fixture fixture = {.fd = temporary_file(stream_size), .block_size = block};
    static unsigned char bytes[stream_size - 65536];
    fill(bytes, sizeof bytes, 1);
    put(fixture.fd, 65536, bytes, sizeof bytes);
    fixture_open(&fixture);
    const struct pmemstream_region region = allocate(fixture.stream, stream_size - 8192 - 64);
    CHECK_EQUAL(count_entries(fixture.stream, region), 0);
    append_text(fixture.stream, region, "first");
    fixture_crash(&fixture);
    CHECK_TEXTS(fixture.stream, region, "first");
    fixture_delete(&fixture);
}

static void foreign_files(void)
{
    static const char *const starts[] = {"#!/bin/sh\necho\n",
                                         "\x7f"
                                         "ELF\2\1\1",
                                         "SQLite format 3", "PMEMPOOL", "P"};
    for (size_t i = 0; i < sizeof starts / sizeof *starts; ++i) {
        const int fd = temporary_file(stream_size);
        put(fd, 0, starts[i], strlen(starts[i]));
        check_refused(fd, block, EMEDIUMTYPE);
        close(fd);
    }
    static unsigned char bytes[stream_size];
    for (unsigned seed = 0; seed < 4; ++seed) {
        const int fd = temporary_file(stream_size);
        fill(bytes, sizeof bytes, seed);
        put(fd, 0, bytes, sizeof bytes);
        check_refused(fd, block, EMEDIUMTYPE);
        close(fd);
    }
}

static struct fixture stream_with_entries(struct pmemstream_region *region)
{
    struct fixture fixture = fixture_new(stream_size, block);
    *region = allocate(fixture.stream, 10000);
    append_text(fixture.stream, *region, "one");
    append_text(fixture.stream, *region, "two");
    return fixture;
}

static void other_block_sizes(void)
{
    struct pmemstream_region region;
    struct fixture fixture = stream_with_entries(&region);
    fixture_close(&fixture);
    for (size_t size = 64; size <= 65536; size *= 2)
        if (size != block)
            check_refused(fixture.fd, size, EINVAL);
    check_refused(fixture.fd, 0, EINVAL);
    check_refused(fixture.fd, 100, EINVAL);
    fixture_open(&fixture);
    CHECK_TEXTS(fixture.stream, region, "one", "two");
    fixture_delete(&fixture);
}

static void truncated_and_grown(void)
{
    struct pmemstream_region region;
    struct fixture fixture = stream_with_entries(&region);
    fixture_close(&fixture);
    unsigned char *whole = malloc(stream_size);
    CHECK(whole != NULL && pread(fixture.fd, whole, stream_size, 0) == stream_size);
    static const size_t sizes[] = {
        512, 4096, 5000, 8192, 8256, 65536, stream_size - 4096, stream_size - 8, stream_size - 1};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; ++i) {
        CHECK(ftruncate(fixture.fd, (off_t)sizes[i]) == 0);
        check_refused(fixture.fd, block, ENODATA);
        put(fixture.fd, 0, whole, stream_size);
    }
    static const size_t more[] = {1, 8, 4096, stream_size};
    for (size_t i = 0; i < sizeof more / sizeof *more; ++i) {
        CHECK(ftruncate(fixture.fd, (off_t)(stream_size + more[i])) == 0);
        check_refused(fixture.fd, block, EFBIG);
    }
    CHECK(ftruncate(fixture.fd, stream_size) == 0);
    fixture_open(&fixture);
    CHECK_TEXTS(fixture.stream, region, "one", "two");
    fixture_delete(&fixture);
    free(whole);
}

/* docs/format.md: two copies of the superblock, at 0 and 4096; the version in the 4 bytes at 8, the UUID behind them.
 */
static void damaged_and_newer(void)
{
    struct pmemstream_region region;
    struct fixture fixture = stream_with_entries(&region);
    fixture_close(&fixture);
    unsigned char page[2][512];
    for (int copy = 0; copy < 2; ++copy)
        CHECK(pread(fixture.fd, page[copy], 512, copy * 4096) == 512);

    unsigned char damaged[2][512];
    memcpy(damaged, page, sizeof page);
    damaged[0][20] ^= 4;
    damaged[1][20] ^= 4;
    put(fixture.fd, 0, damaged[0], 512);
    put(fixture.fd, 4096, damaged[1], 512);
    check_refused(fixture.fd, block, EUCLEAN);

    memcpy(damaged, page, sizeof page);
    damaged[0][8] = 2;
    damaged[1][8] = 2;
    put(fixture.fd, 0, damaged[0], 512);
    put(fixture.fd, 4096, damaged[1], 512);
    check_refused(fixture.fd, block, ENOTSUP);

    /* One whole copy is enough. */
    for (int copy = 0; copy < 2; ++copy) {
        for (int other = 0; other < 2; ++other)
            put(fixture.fd, (size_t)other * 4096, page[other], 512);
        memcpy(damaged, page, sizeof page);
        damaged[copy][20] ^= 4;
        put(fixture.fd, (size_t)copy * 4096, damaged[copy], 512);
        fixture_open(&fixture);
        CHECK(info_of(fixture.stream).damage_count != 0);
        CHECK_TEXTS(fixture.stream, region, "one", "two");
        fixture_close(&fixture);
    }
    close(fixture.fd);
}

/* No single flipped bit of the metadata is silently wrong: refused as it is, or everything is there. */
static void single_bit_flips(void)
{
    struct pmemstream_region region;
    struct fixture fixture = stream_with_entries(&region);
    const size_t metadata_size = (size_t)info_of(fixture.stream).metadata_size;
    fixture_close(&fixture);
    unsigned char *whole = malloc(stream_size);
    CHECK(whole != NULL && pread(fixture.fd, whole, stream_size, 0) == stream_size);
    size_t refused = 0;
    size_t opened = 0;
    struct pmem2_map *map = map_file(fixture.fd);
    for (size_t bit = 0; bit < (metadata_size + 64) * 8; ++bit) {
        /* Every bit that says something, one bit of every byte that is reserved. */
        if (whole[bit / 8] == 0 && bit / 8 % 4096 > 64 && bit / 8 < metadata_size && bit % 8 != bit / 8 % 8)
            continue;
        unsigned char *bytes = pmem2_map_get_address(map);
        memcpy(bytes, whole, metadata_size + 64);
        bytes[bit / 8] ^= (unsigned char)(1U << bit % 8);
        struct pmemstream *stream;
        if (pmemstream_from_map(&stream, block, map) != 0) {
            CHECK(errno == EUCLEAN || errno == EMEDIUMTYPE || errno == ENOTSUP);
            CHECK(stream == NULL);
            bytes[bit / 8] ^= (unsigned char)(1U << bit % 8);
            CHECK(memcmp(bytes, whole, stream_size) == 0);
            ++refused;
            continue;
        }
        ++opened;
        CHECK_TEXTS(stream, region, "one", "two");
        CHECK_EQUAL(pmemstream_persisted_timestamp(stream), 2);
        append_text(stream, region, "three");
        pmemstream_delete(&stream);
        memcpy(bytes, whole, stream_size);
    }
    CHECK(refused != 0 && opened != 0);
    unmap(&map);
    close(fixture.fd);
    free(whole);
}

static size_t resident_pages(struct pmem2_map *map)
{
    const size_t pages = pmem2_map_get_size(map) / 4096;
    unsigned char *present = malloc(pages);
    CHECK(present != NULL && mincore(pmem2_map_get_address(map), pages * 4096, present) == 0);
    size_t count = 0;
    for (size_t i = 0; i < pages; ++i)
        count += present[i] & 1;
    free(present);
    return count;
}

static void prefault(void)
{
    static const char *const values[] = {"1", "0", ""};
    const size_t size = 4 << 20;
    struct fixture fixture = fixture_new(size, block);
    CHECK(resident_pages(fixture.map) < size / 4096);
    fixture_delete(&fixture);
    for (size_t i = 0; i < sizeof values / sizeof *values; ++i) {
        CHECK(setenv("PMEMSTREAM_PREFAULT_AT_OPEN", values[i], 1) == 0);
        fixture = fixture_new(size, block);
        CHECK_EQUAL(resident_pages(fixture.map), size / 4096);
        fixture_delete(&fixture);
        const int fd = temporary_file(stream_size);
        put(fd, 3, "foreign", 7);
        check_refused(fd, block, EMEDIUMTYPE);
        close(fd);
    }
    CHECK(unsetenv("PMEMSTREAM_PREFAULT_AT_OPEN") == 0);
}

int main(void)
{
    null_arguments();
    block_sizes();
    metadata_takes_two_pages();
    small_maps();
    what_is_empty();
    foreign_files();
    other_block_sizes();
    truncated_and_grown();
    damaged_and_newer();
    single_bit_flips();
    prefault();
    return 0;
}
