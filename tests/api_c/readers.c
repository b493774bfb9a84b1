/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright the pmemstream authors */

/* Read-only opens beside a writer who is busy: in another process, and in threads of this one. */

#include "fixture.h"

#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { mebibyte = 1 << 20, opens = 1000, opens_by_thread = 4000 };

static char directory[PATH_MAX];
static char path[STREAM_PATH_MAX];

/* What the writer's process tells the readers': all its appends are synchronous, by one thread, and numbered by their
 * timestamps. */
struct told {
    uint64_t begun;
    uint64_t acknowledged;
};

static uint64_t look(const uint64_t *word)
{
    return __atomic_load_n(word, __ATOMIC_SEQ_CST);
}

static void append_and_tell(struct told *told, struct pmemstream *stream, struct pmemstream_region region)
{
    __atomic_add_fetch(&told->begun, 1, __ATOMIC_SEQ_CST);
    static char data[1000];
    append(stream, region, data, sizeof data);
    __atomic_add_fetch(&told->acknowledged, 1, __ATOMIC_SEQ_CST);
}

/* Appends to regions that come and go, behind reservations too, and closes the stream now and then, until it is
 * killed. */
static void write_until_killed(struct told *told)
{
    for (;;) {
        struct pmemstream *stream = open_stream(path, NULL);
        struct pmemstream_region regions[8];
        for (int i = 0; i < 8; ++i)
            regions[i] = allocate(stream, 600000);
        for (int round = 0; round < 100; ++round) {
            struct pmemstream_region *oldest = &regions[round % 8];
            struct pmemstream_entry reserved;
            void *data;
            for (int i = 0; i < 300; ++i)
                append_and_tell(told, stream, regions[i % 8]);
            CHECK_OK(pmemstream_reserve(stream, *oldest, NULL, 40, &reserved, &data));
            append_and_tell(told, stream, *oldest);
            CHECK_OK(pmemstream_abort(stream, *oldest, NULL, reserved));
            CHECK_OK(pmemstream_region_free(stream, *oldest));
            *oldest = allocate(stream, 600000);
        }
        for (int i = 0; i < 8; ++i)
            CHECK_OK(pmemstream_region_free(stream, regions[i]));
        pmemstream_delete(&stream);
    }
}

/* What was acknowledged before is seen, what was not begun afterwards is not, and nothing is taken for damage. */
static void beside_a_busy_process(void)
{
    struct pmemstream_options options = PMEMSTREAM_OPTIONS_INIT;
    options.size = 8 * mebibyte;
    struct pmemstream *stream = create_stream(path, &options);
    pmemstream_delete(&stream);
    struct told *told = mmap(NULL, sizeof *told, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(told != MAP_FAILED);
    const pid_t writer = fork();
    if (writer == 0) {
        CHECK(prctl(PR_SET_PDEATHSIG, SIGKILL) == 0);
        write_until_killed(told);
    }
    for (int i = 0; i < opens; ++i) {
        const uint64_t acknowledged = look(&told->acknowledged);
        struct pmemstream *reader = open_stream(path, &read_only);
        const uint64_t begun = look(&told->begun);
        const uint64_t seen = pmemstream_persisted_timestamp(reader);
        if (seen < acknowledged || seen > begun)
            CHECK_REPORT("sees %" PRIu64 " of %" PRIu64 " to %" PRIu64, seen, acknowledged, begun);
        CHECK_EQUAL(info_of(reader).damage_count, 0);
        pmemstream_delete(&reader);
    }
    int status;
    CHECK(kill(writer, SIGKILL) == 0 && waitpid(writer, &status, 0) == writer && WIFSIGNALED(status));
    CHECK(munmap(told, sizeof *told) == 0);
    CHECK(unlink(path) == 0);
}

static void *open_and_close(void *arg)
{
    for (int i = 0; i < opens_by_thread; ++i) {
        struct pmemstream *reader = open_stream(path, &read_only);
        CHECK_EQUAL(count_entries(reader, *(struct pmemstream_region *)arg), 1);
        pmemstream_delete(&reader);
    }
    return NULL;
}

/* libpmem2 does not make and delete maps in several threads at once. */
static void in_threads(void)
{
    struct pmemstream_options options = PMEMSTREAM_OPTIONS_INIT;
    options.size = mebibyte;
    struct pmemstream *stream = create_stream(path, &options);
    struct pmemstream_region region = allocate(stream, 10000);
    append_text(stream, region, "entry");
    pthread_t threads[3];
    for (int i = 0; i < 3; ++i)
        CHECK(pthread_create(&threads[i], NULL, open_and_close, &region) == 0);
    for (int i = 0; i < 3; ++i)
        CHECK(pthread_join(threads[i], NULL) == 0);
    CHECK_TEXTS(stream, region, "entry");
    pmemstream_delete(&stream);
    CHECK(unlink(path) == 0);
}

int main(void)
{
    temporary_path(directory, path);
    in_threads();
    beside_a_busy_process();
    CHECK(rmdir(directory) == 0);
    return 0;
}
