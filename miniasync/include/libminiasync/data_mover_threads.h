/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright the pmemstream authors */

/*
 * The threads mover: worker threads behind a bounded queue. Its futures have FUTURE_PROPERTY_ASYNC. Since version 1.0.
 *
 * While the queue is full, an operation is not started, its future stays IDLE and notifier_used is NONE: poll again.
 *
 * Waker: once the operation is done, a worker thread calls the waker that the starting poll was given. The call has
 * returned before the future completes; a poll made while it runs waits for it for a moment, and if that is not enough
 * (the waker wants a lock that the polling thread holds) gives RUNNING, and the worker wakes once more. The waker may
 * poll the future itself. It must not wait for another operation of the mover, nor delete the mover.
 * Poller: ptr_to_monitor points at a word of the operation, which is 0 until the operation is done, then 1. It is
 * valid until the future completes.
 */

#ifndef LIBMINIASYNC_DATA_MOVER_THREADS_H
#define LIBMINIASYNC_DATA_MOVER_THREADS_H

#include "vdm.h"

#ifdef __cplusplus
extern "C" {
#endif

struct data_mover_threads;

/*
 * What the workers call instead of the C library's functions. `flags` are the operation's VDM_F_* flags. With
 * VDM_F_MEM_DURABLE the function must flush its stores (or write around the caches). The worker fences afterwards in
 * any case, so the function need not. It is called from several threads at the same time; not for 0 bytes.
 */
typedef void *(*data_mover_threads_memcpy_fn)(void *dest, const void *src, size_t n, unsigned flags);
typedef void *(*data_mover_threads_memmove_fn)(void *dest, const void *src, size_t n, unsigned flags);
typedef void *(*data_mover_threads_memset_fn)(void *str, int c, size_t n, unsigned flags);

/*
 * A new mover, owned by the caller, with nthreads workers, room for ringbuf_size operations that wait for a worker, and
 * the way in which its operations notify. NULL with errno EINVAL (a number is 0, or the type unknown), ENOMEM, or
 * EAGAIN (the system starts no more threads). Thread safe.
 */
struct data_mover_threads *data_mover_threads_new(size_t nthreads, size_t ringbuf_size,
                                                  enum future_notifier_type desired_notifier);

/* As above: a worker per processor up to 8, room for 128 operations, wakers. */
struct data_mover_threads *data_mover_threads_default(void);

/* The mover's interface, owned by the mover; any number of threads may use it at the same time. Does not fail. */
struct vdm *data_mover_threads_get_vdm(struct data_mover_threads *mover);

/*
 * Replace a function for the operations started afterwards; NULL restores the default. Thread safe, also while
 * operations run.
 */
void data_mover_threads_set_memcpy_fn(struct data_mover_threads *mover, data_mover_threads_memcpy_fn fn);
void data_mover_threads_set_memmove_fn(struct data_mover_threads *mover, data_mover_threads_memmove_fn fn);
void data_mover_threads_set_memset_fn(struct data_mover_threads *mover, data_mover_threads_memset_fn fn);

/*
 * Finishes what is queued, ends the workers, and frees the mover with all its operations: none of its futures may be
 * polled afterwards, nor during the call. NULL does nothing.
 */
void data_mover_threads_delete(struct data_mover_threads *mover);

#ifdef __cplusplus
}
#endif

#endif /* LIBMINIASYNC_DATA_MOVER_THREADS_H */
