/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright the pmemstream authors */

/* The runtime: polls futures until they are complete, and sleeps while none can make progress. Since version 1.0. */

#ifndef LIBMINIASYNC_RUNTIME_H
#define LIBMINIASYNC_RUNTIME_H

#include "future.h"

#ifdef __cplusplus
extern "C" {
#endif

struct runtime;

/* A new runtime, owned by the caller; NULL with errno ENOMEM. Thread safe. */
struct runtime *runtime_new(void);

/* Deletes the runtime, in which nobody waits any more. NULL does nothing. Wakes that come late do no harm. */
void runtime_delete(struct runtime *runtime);

/*
 * Poll the future, or all n of them, in the calling thread until complete. The futures stay the caller's. Any number of
 * threads may wait in one runtime at the same time, each for its own futures; a task may itself wait in the runtime.
 *
 * When to poll a future again is taken from its last poll (notifier_used), and from its property ASYNC:
 *     WAKER            when it is woken
 *     POLLER           when the word that it points at is not zero
 *     NONE, ASYNC      after a pause, which grows up to 1 ms: somebody works on it, but will not tell
 *     NONE, not ASYNC  at once, as it makes progress in no other way (other threads get the processor in between)
 *
 * Does not fail: without memory for the notifiers it polls without them. NULL futures are skipped. That memory (about
 * 64 bytes for each future) is kept for later waits, so that a waker called late finds it there.
 */
void runtime_wait(struct runtime *runtime, struct future *fut);
void runtime_wait_multiple(struct runtime *runtime, struct future *futs[], size_t nfuts);

#ifdef __cplusplus
}
#endif

#endif /* LIBMINIASYNC_RUNTIME_H */
