/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright the pmemstream authors */

/*
 * libpmemstream: a logging data structure for persistent memory and for files.
 *
 * Conventions that hold for every function below unless its own comment says otherwise:
 *
 * - Errors. A function returning int gives 0, or exactly -1. A size gives 0, a pointer NULL, a timestamp 0 and an
 * offset UINT64_MAX on error. On error errno holds a specific value and pmemstream_errormsg() a sentence for a person.
 * errno is left alone on success. A failed call changes nothing: no space, no timestamp, no out-parameter. The one
 * exception is a medium that fails in a sync (EIO): the outcome of that call is unknown and the stream accepts nothing
 * any more.
 * - Arguments. NULL and out-of-range arguments are errors (EINVAL, ENOENT), never crashes.
 * - Threads. Every function may be called by any number of threads at once, on the same stream too. An iterator and a
 * future are used by one thread at a time.
 * - Ownership. What a *_new or *_open function gives belongs to the caller and is given back by the matching *_delete.
 * Pointers to data point into the map and live as long as the region they lie in.
 * - Units. Sizes and offsets are bytes; offsets count from the start of the map.
 *
 * Values of errno: EINVAL bad argument; ENOENT no such region or entry (or not any more); ENOSPC not enough space;
 * EUCLEAN damage; EIO the medium failed; EROFS the stream is open for reading only; ENOMEM; EOVERFLOW timestamps,
 * or the numbers of regions, are used up; and for opening: EMEDIUMTYPE not a stream; ENOTSUP a format this library does
 * not know; ENODATA the file is shorter, EFBIG longer than the stream in it; EBUSY another writer has it open; EEXIST;
 * and what open(2) and mmap(2) give.
 */
#ifndef LIBPMEMSTREAM_H
#define LIBPMEMSTREAM_H 1

#include <libminiasync.h>
#include <libpmem2.h>

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* An offset that no region and no entry has. */
#define PMEMSTREAM_INVALID_OFFSET UINT64_MAX
/* A timestamp that no entry has. */
#define PMEMSTREAM_INVALID_TIMESTAMP 0ULL
/* The timestamp of a stream's first entry. */
#define PMEMSTREAM_FIRST_TIMESTAMP 1ULL

struct pmemstream;
struct pmemstream_entry_iterator;
struct pmemstream_region_iterator;
/* A region's volatile state. Owned by the stream, lives as long as its region. */
struct pmemstream_region_runtime;

struct pmemstream_region {
    uint64_t offset;
};

struct pmemstream_entry {
    uint64_t offset;
};

struct pmemstream_async_wait_data {
    struct pmemstream *stream;
    /* The timestamp waited for. */
    uint64_t timestamp;
    /* Internal state of the wait. */
    uint64_t first_timestamp;
    uint64_t processing_timestamp;
    uint64_t last_timestamp;
};

struct pmemstream_async_wait_output {
    /* 0, or -1 when the wait cannot succeed: no stream, or a medium that failed. */
    int error_code;
};

FUTURE(pmemstream_async_wait_fut, struct pmemstream_async_wait_data, struct pmemstream_async_wait_output);

/* ---- Streams -------------------------------------------------------------------------------------------------------
 */

/*
 * Opens the stream in `map`, or makes one if the map is empty (its first 64 KiB, or all of it if smaller, are zero).
 * The map must be writable and shared, and stays the caller's; it must outlive the stream. `block_size` is a power of
 * two and a multiple of 64; regions begin at multiples of it. On failure *stream is NULL and the map is as it was.
 * Takes no lock: nobody else may write to the map's file (pmemstream_open takes one). With PMEMSTREAM_PREFAULT_AT_OPEN
 * in the environment every page of the map is touched. Errors: EINVAL (also: another block size than the stream was
 * made with), ENOSPC map too small, EMEDIUMTYPE, ENOTSUP, ENODATA, EFBIG, EUCLEAN, EIO, ENOMEM. A file that is shrunk
 * by somebody while mapped gives SIGBUS.
 */
int pmemstream_from_map(struct pmemstream **stream, size_t block_size, struct pmem2_map *map);

/*
 * Completes and persists what is pending, cancels open reservations, marks the stream cleanly closed, frees it and sets
 * *stream to NULL. No other thread may be using the stream. NULL and a pointer to NULL are allowed.
 */
void pmemstream_delete(struct pmemstream **stream);

/* ---- Regions -------------------------------------------------------------------------------------------------------
 */

/*
 * Allocates a region for at least `size` bytes of entries (each takes 16 bytes more, rounded up to 8). Durable when it
 * returns. The space freed last is reused first. Errors: EINVAL size 0 or NULL, ENOSPC, EROFS, EIO, EOVERFLOW, ENOMEM.
 */
int pmemstream_region_allocate(struct pmemstream *stream, size_t size, struct pmemstream_region *region);

/*
 * Frees a region: completes and persists the entries under way in it, cancels its reservations, then gives its space
 * back. Durable when it returns. Its runtime, entries and iterators are dead from then on. Errors: ENOENT no live
 * region, EROFS, EIO, ENOMEM.
 */
int pmemstream_region_free(struct pmemstream *stream, struct pmemstream_region region);

/* The size that was allocated: align_up(size + 64, block_size) - 64. Errors: ENOENT. */
size_t pmemstream_region_size(struct pmemstream *stream, struct pmemstream_region region);

/*
 * The bytes left for entries, each of which takes 16 bytes plus its size rounded up to 8. 0 with errno untouched in a
 * full region. Errors: ENOENT.
 */
size_t pmemstream_region_usable_size(struct pmemstream *stream, struct pmemstream_region region);

/*
 * Gives the region's runtime, the same pointer at each call. Passing it to the functions below saves them a look-up.
 * Errors: ENOENT.
 */
int pmemstream_region_runtime_initialize(struct pmemstream *stream, struct pmemstream_region region,
                                         struct pmemstream_region_runtime **runtime);

/* ---- Appending -----------------------------------------------------------------------------------------------------
 */
/* In each of these `region_runtime` may be NULL: it is then looked up. */

/*
 * Reserves space for an entry of `size` bytes, which nobody sees until it is published. *data (8-byte aligned, in the
 * map) is for the caller to fill by ordinary stores; whoever uses non-temporal ones fences before publishing. A
 * reservation that is never published is gone after a reopen. Several reservations of a region may be open, published
 * in any order and by any thread, and entries may be appended behind them: they are acknowledged like others, and
 * iterators show them once nothing in front of them is open. Errors: EINVAL, ENOENT, ENOSPC, EROFS, EIO, ENOMEM.
 */
int pmemstream_reserve(struct pmemstream *stream, struct pmemstream_region region,
                       struct pmemstream_region_runtime *region_runtime, size_t size,
                       struct pmemstream_entry *reserved_entry, void **data);

/*
 * Publishes a reserved entry; it is persisted when this returns 0. `size` may be smaller than reserved, and larger if
 * the reservation is the last thing in its region and the space is there. Errors: EINVAL (also: larger than reserved
 * with something behind it), ENOENT not an open reservation, ENOSPC, EROFS, EIO, EOVERFLOW, ENOMEM.
 */
int pmemstream_publish(struct pmemstream *stream, struct pmemstream_region region,
                       struct pmemstream_region_runtime *region_runtime, struct pmemstream_entry entry, size_t size);

/*
 * Appends an entry; it is persisted when this returns 0. `data` may be NULL only if size is 0; it is read once.
 * `new_entry` may be NULL. Errors: EINVAL, ENOENT, ENOSPC, EROFS, EIO, EOVERFLOW, ENOMEM.
 */
int pmemstream_append(struct pmemstream *stream, struct pmemstream_region region,
                      struct pmemstream_region_runtime *region_runtime, const void *data, size_t size,
                      struct pmemstream_entry *new_entry);

/* As pmemstream_publish, but the entry is only committed; wait for its timestamp to have it persisted. */
int pmemstream_async_publish(struct pmemstream *stream, struct pmemstream_region region,
                             struct pmemstream_region_runtime *region_runtime, struct pmemstream_entry entry,
                             size_t size);

/*
 * Starts an append. The copy is done by `vdm`, which must outlive the entry's commit, or by the caller if it is NULL.
 * `data` must stay unchanged until the entry is committed. The entry completes when somebody waits for its timestamp
 * (pmemstream_entry_timestamp), appends synchronously, or closes the stream. When all slots are taken it makes progress
 * itself. Errors: as pmemstream_append.
 */
int pmemstream_async_append(struct pmemstream *stream, struct vdm *vdm, struct pmemstream_region region,
                            struct pmemstream_region_runtime *region_runtime, const void *data, size_t size,
                            struct pmemstream_entry *new_entry);

/* ---- Timestamps ----------------------------------------------------------------------------------------------------
 */

/* Every entry with a timestamp up to this one is visible. 0: none is. Errors: EINVAL (0 with errno set). */
uint64_t pmemstream_committed_timestamp(struct pmemstream *stream);

/* Every entry with a timestamp up to this one survives every crash. Never above the committed one. Errors: EINVAL. */
uint64_t pmemstream_persisted_timestamp(struct pmemstream *stream);

/*
 * Futures that complete once every entry up to `timestamp` is committed, persisted. Polling makes progress for all of
 * them. One for timestamp 0 or one already reached completes at its first poll; one for a timestamp not handed out
 * stays running. For a NULL stream it is born complete with error_code -1. Dropping one half polled hinders nobody; a
 * waker it was polled with must outlive the wait or be replaced by the next poll. Wakers are called by whichever thread
 * makes progress, with no lock of the stream held. They may poll; they must not wait: not for an append to be
 * persisted, nor for a lock that is held while polling.
 */
struct pmemstream_async_wait_fut pmemstream_async_wait_committed(struct pmemstream *stream, uint64_t timestamp);
struct pmemstream_async_wait_fut pmemstream_async_wait_persisted(struct pmemstream *stream, uint64_t timestamp);

/* ---- Entries -------------------------------------------------------------------------------------------------------
 */
/* For entries that append, publish or an iterator gave. Errors: EINVAL, ENOENT, EUCLEAN the entry's header is damaged.
 */

/* The entry's bytes, in the map, 8-byte aligned. */
const void *pmemstream_entry_data(struct pmemstream *stream, struct pmemstream_entry entry);
/* The entry's size. 0 with errno untouched for an empty entry. */
size_t pmemstream_entry_size(struct pmemstream *stream, struct pmemstream_entry entry);
uint64_t pmemstream_entry_timestamp(struct pmemstream *stream, struct pmemstream_entry entry);

/* ---- Region iterators: regions in the order of their allocation
 * ------------------------------------------------------- */

/* The iterator is invalid until it seeks. It must be deleted before its stream. Errors: EINVAL, ENOMEM. */
int pmemstream_region_iterator_new(struct pmemstream_region_iterator **iterator, struct pmemstream *stream);
/* 0 when it stands on a live region, else -1. */
int pmemstream_region_iterator_is_valid(struct pmemstream_region_iterator *iterator);
void pmemstream_region_iterator_seek_first(struct pmemstream_region_iterator *iterator);
/* Does nothing on an invalid iterator. */
void pmemstream_region_iterator_next(struct pmemstream_region_iterator *iterator);
/* The region, or one with offset UINT64_MAX. */
struct pmemstream_region pmemstream_region_iterator_get(struct pmemstream_region_iterator *iterator);
/* Takes NULL and a pointer to NULL. Sets the pointer to NULL. */
void pmemstream_region_iterator_delete(struct pmemstream_region_iterator **iterator);

/* ---- Entry iterators: the committed entries of a region, in the order of their offsets
 * --------------------------------- */

/* The iterator is invalid until it seeks. It must be deleted before its stream. Errors: EINVAL, ENOENT, ENOMEM. */
int pmemstream_entry_iterator_new(struct pmemstream_entry_iterator **iterator, struct pmemstream *stream,
                                  struct pmemstream_region region);
/*
 * 0 when it stands on an entry, else -1: errno is ENOENT at the end or in a freed region, EUCLEAN where the region is
 * damaged. At the end it keeps its place and becomes valid once the next entry is committed; one that sought an empty
 * region must seek again.
 */
int pmemstream_entry_iterator_is_valid(struct pmemstream_entry_iterator *iterator);
void pmemstream_entry_iterator_seek_first(struct pmemstream_entry_iterator *iterator);
/* Does nothing on an invalid iterator. */
void pmemstream_entry_iterator_next(struct pmemstream_entry_iterator *iterator);
/* The entry, or one with offset UINT64_MAX. */
struct pmemstream_entry pmemstream_entry_iterator_get(struct pmemstream_entry_iterator *iterator);
/* Takes NULL and a pointer to NULL. Sets the pointer to NULL. */
void pmemstream_entry_iterator_delete(struct pmemstream_entry_iterator **iterator);

/* ==== Since 1.1: what libpmemstream 0.2 did not have
 * ====================================================================== */

/*
 * Gives a reservation back: nothing is published. Its space is free again if nothing lies behind it in the region, or
 * nothing but what is given back, too; else it is stepped over until the region is freed. Any thread may call it.
 * Errors: EINVAL, ENOENT not an open reservation, EROFS, EIO.
 */
int pmemstream_abort(struct pmemstream *stream, struct pmemstream_region region,
                     struct pmemstream_region_runtime *region_runtime, struct pmemstream_entry entry);

/*
 * The sentence for the calling thread's last error in this library, in a string that stays valid. Empty if there was
 * none.
 */
const char *pmemstream_errormsg(void);

/* What can be made durable at once, and how; ordered from fine to coarse. */
enum pmemstream_medium {
    PMEMSTREAM_MEDIUM_BYTE = 0,       /* eADR: caches are within the power-fail domain */
    PMEMSTREAM_MEDIUM_CACHE_LINE = 1, /* persistent memory: flush and fence */
    PMEMSTREAM_MEDIUM_PAGE = 2,       /* a file in the page cache: msync */
};

/* What a synchronous append, and waiting for "persisted", promise. */
enum pmemstream_durability {
    PMEMSTREAM_DURABILITY_DEFAULT = 0, /* create: sync; open: as the stream has it */
    PMEMSTREAM_DURABILITY_SYNC = 1,    /* what is persisted survives every crash */
    /*
     * What is persisted survives the end of the process (kill -9), not a power cut: an append then costs no fence and
     * no sync. After a power cut the stream is whole and ends at some earlier entry, at the latest the last when it was
     * closed, and nothing is taken for damage. Allocating, freeing, growing and closing are durable as ever.
     */
    PMEMSTREAM_DURABILITY_PROCESS = 2,
};

/* Options for pmemstream_open and pmemstream_create. Start from PMEMSTREAM_OPTIONS_INIT; fields may be added at the
 * end. */
struct pmemstream_options {
    size_t struct_size;  /* sizeof(struct pmemstream_options), as the initializer sets it */
    uint64_t size;       /* create: the file's size; open: ignored */
    uint64_t block_size; /* create: 0 means 4096; open: 0 means whatever the stream has */
    int read_only;       /* open: nothing is written, recovery happens in memory; create: must be 0 */
    int check_data;      /* iterators check the entries' data, not only their headers */
    uint64_t slots;      /* so many entries can be under way, copied by movers or threads, before the next one has to
                          * wait; rounded up to a power of two, at most 2^24; 8 bytes of memory each; 0 means 1024 */
    uint64_t max_delay;  /* microseconds, at most 1,000,000: on files each sync is put off so long, so that it serves
                          * more appends of other threads; 0 waits only for threads that come back from the last one.
                          * Polling a future for "persisted" takes part, and so blocks as long */
    int durability;      /* enum pmemstream_durability. Stays with the stream until it is opened for writing with the
                          * other. Read-only: ignored */
    int prefault;        /* has every page of the map present when it returns; on files it reads all of it */
};
#define PMEMSTREAM_OPTIONS_INIT                                                                                        \
    {                                                                                                                  \
        sizeof(struct pmemstream_options), 0, 0, 0, 0, 0, 0, 0, 0                                                      \
    }

/*
 * Makes a stream in a new file, whose space is really allocated, and opens it. Never overwrites: EEXIST. Other errors:
 * those of pmemstream_from_map and open(2); ENOSPC also when the disk is full. On failure no file is left behind.
 */
int pmemstream_create(const char *path, const struct pmemstream_options *options, struct pmemstream **stream);

/*
 * Opens the stream in a file; `options` may be NULL. Never creates one; an empty file is EMEDIUMTYPE. A writer holds a
 * lock on the file until pmemstream_delete or its process's end (and that of children forked without exec); a second
 * one gets EBUSY, and pmemstream_errormsg() tells which process has it where that can be known. With read_only no lock
 * is taken and not one byte written; what a killed writer left is recovered in memory, a damaged stream opens as far as
 * one of its superblocks is whole, and the stream shows the entries there were when it was opened; beside a writer that
 * opened it by its path, those that he had persisted. Functions that change it fail with EROFS. Errors: those of
 * pmemstream_from_map and open(2), EBUSY.
 */
int pmemstream_open(const char *path, const struct pmemstream_options *options, struct pmemstream **stream);

/*
 * Makes a stream larger in place while it is used: its file gets `size` bytes, really allocated, and what is added is
 * free. Regions, entries, runtimes and pointers to data stay as they are. Durable when it returns; after a crash
 * meanwhile the stream has one size or the other. The size it has already is no error, and changes nothing. Errors:
 * EINVAL smaller, EFBIG, ENOSPC also when the disk is full, ENOTSUP not opened by its path, ENOMEM (also: no address
 * space behind it; an open reserves as much as the stream has, at least 16 GiB), EROFS, EIO.
 */
int pmemstream_grow(struct pmemstream *stream, uint64_t size);

struct pmemstream_info {
    unsigned char uuid[16];
    uint32_t format_version;
    enum pmemstream_medium medium;
    int read_only;
    int was_clean; /* 1 if the stream had been closed cleanly before it was opened */
    uint64_t size;
    uint64_t block_size;
    uint64_t metadata_size; /* bytes before the first span */
    uint64_t region_count;
    uint64_t free_size;         /* bytes in free spans */
    uint64_t largest_free_size; /* the largest size that region_allocate can give */
    uint64_t committed_timestamp;
    uint64_t persisted_timestamp;
    uint64_t recovered_entries;            /* entries behind the last checkpoints that opening found and kept */
    uint64_t dropped_entries;              /* whole entries that opening found behind the end of the log, and dropped */
    uint64_t damage_count;                 /* damages that opening found; pmemstream_verify names them */
    enum pmemstream_durability durability; /* sync or process */
};

/* Fills the first `info_size` bytes of *info (sizeof(struct pmemstream_info)). Errors: EINVAL. */
int pmemstream_get_info(struct pmemstream *stream, struct pmemstream_info *info, size_t info_size);

struct pmemstream_region_info {
    uint64_t generation; /* no two regions of a stream ever have the same; rises in the order of allocation */
    uint64_t size;
    uint64_t usable_size;
    uint64_t data_offset;       /* where the first entry lies */
    uint64_t end_offset;        /* behind the last entry or reservation */
    uint64_t limit_offset;      /* no entry was ever written behind it */
    uint64_t checkpoint_offset; /* of the last record known durable, UINT64_MAX if none */
    uint64_t open_reservations;
};

/* Fills the first `info_size` bytes of *info. Errors: EINVAL, ENOENT. */
int pmemstream_get_region_info(struct pmemstream *stream, struct pmemstream_region region,
                               struct pmemstream_region_info *info, size_t info_size);

struct pmemstream_dropped_entry {
    struct pmemstream_region region;
    struct pmemstream_entry entry; /* where it was */
    uint64_t timestamp;
    uint64_t size;
};

/* The n-th of the entries that opening dropped (pmemstream_info.dropped_entries). Errors: EINVAL, ENOENT n is too
 * large. */
int pmemstream_get_dropped_entry(struct pmemstream *stream, uint64_t n, struct pmemstream_dropped_entry *dropped);

/* One place that is not as it was written. */
struct pmemstream_damage {
    uint64_t offset;                 /* of the first byte in doubt */
    uint64_t size;                   /* bytes in doubt */
    struct pmemstream_region region; /* offset UINT64_MAX: not in a region */
    uint64_t timestamp;              /* of the damaged entry, as far as its header can be believed; else 0 */
    const char *what;                /* a sentence, static */
};

/* Called once per damage, in the order of their finding. Returning non-zero ends the verification. Must not throw. */
typedef int (*pmemstream_damage_fn)(const struct pmemstream_damage *damage, void *arg);

struct pmemstream_verify_result {
    uint64_t entries; /* entries whose checksum holds */
    uint64_t bytes;   /* of data in them */
    uint64_t damages;
};

/*
 * Checks every checksum of the stream: superblocks, spans, region headers, entries; calls `on_damage` (may be NULL) for
 * each damage and goes on to the rest. Appends may go on meanwhile. Returns 0 when it ran to its end, also if it found
 * damage. `result` may be NULL. Errors: EINVAL, ENOMEM, ECANCELED the callback ended it.
 */
int pmemstream_verify(struct pmemstream *stream, pmemstream_damage_fn on_damage, void *arg,
                      struct pmemstream_verify_result *result);

/*
 * Moves an iterator that stands at damage (is_valid: EUCLEAN) to the next whole entry behind it, or to the end. Returns
 * 0, or -1 with errno EINVAL if it does not stand at damage.
 */
int pmemstream_entry_iterator_skip_damage(struct pmemstream_entry_iterator *iterator);

#ifdef __cplusplus
}
#endif
#endif /* LIBPMEMSTREAM_H */
