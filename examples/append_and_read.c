/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright the pmemstream authors */

/* Appends the arguments behind FILE to the stream in it, which is made if it is not there, and prints all entries. */
#include <libpmemstream.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

static int fail(const char *what)
{
    fprintf(stderr, "%s: %s\n", what, pmemstream_errormsg());
    return 1;
}

/* The stream's first region, allocated if there is none. */
static int first_region(struct pmemstream *stream, struct pmemstream_region *region)
{
    struct pmemstream_region_iterator *regions;
    if (pmemstream_region_iterator_new(&regions, stream) != 0)
        return -1;
    pmemstream_region_iterator_seek_first(regions);
    *region = pmemstream_region_iterator_get(regions);
    pmemstream_region_iterator_delete(&regions);

    if (region->offset != PMEMSTREAM_INVALID_OFFSET)
        return 0;
    return pmemstream_region_allocate(stream, 1024 * 1024, region);
}

static int print_entries(struct pmemstream *stream, struct pmemstream_region region)
{
    struct pmemstream_entry_iterator *entries;
    if (pmemstream_entry_iterator_new(&entries, stream, region) != 0)
        return -1;
    for (pmemstream_entry_iterator_seek_first(entries); pmemstream_entry_iterator_is_valid(entries) == 0;
         pmemstream_entry_iterator_next(entries)) {
        struct pmemstream_entry entry = pmemstream_entry_iterator_get(entries);
        printf("%llu: %.*s\n", (unsigned long long)pmemstream_entry_timestamp(stream, entry),
               (int)pmemstream_entry_size(stream, entry), (const char *)pmemstream_entry_data(stream, entry));
    }
    /* The loop also ends where the region is damaged. */
    int result = errno == EUCLEAN ? -1 : 0;
    pmemstream_entry_iterator_delete(&entries);
    return result;
}

int main(int argc, char *argv[])
{
    if (argc < 2) {
        fprintf(stderr, "usage: %s FILE [TEXT...]\n", argv[0]);
        return 2;
    }

    struct pmemstream *stream;
    struct pmemstream_options options = PMEMSTREAM_OPTIONS_INIT;
    options.size = 8 * 1024 * 1024;
    if (pmemstream_create(argv[1], &options, &stream) != 0 &&
        (errno != EEXIST || pmemstream_open(argv[1], NULL, &stream) != 0))
        return fail(argv[1]);

    struct pmemstream_region region;
    if (first_region(stream, &region) != 0)
        return fail("region");

    /* When pmemstream_append returns 0, the entry survives a crash of the program, the system or the power. */
    for (int i = 2; i < argc; ++i) {
        if (pmemstream_append(stream, region, NULL, argv[i], strlen(argv[i]), NULL) != 0)
            return fail("append");
    }
    if (print_entries(stream, region) != 0)
        return fail("read");

    pmemstream_delete(&stream);
    return 0;
}
