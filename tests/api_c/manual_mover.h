/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright the pmemstream authors */

/* A data mover whose copies are done when the test says so. */
#ifndef TESTS_API_C_MANUAL_MOVER_H
#define TESTS_API_C_MANUAL_MOVER_H

#include "check.h"

#include <pthread.h>

enum { MANUAL_OPERATIONS = 16 };

struct manual_operation {
    struct future_waker waker;
    int started;
    int done;
    int ended;
};

struct manual_mover {
    struct vdm vdm; /* the first, so that a vdm tells its mover */
    pthread_mutex_t mutex;
    struct manual_operation operations[MANUAL_OPERATIONS];
    int count;
    int refuse_starts; /* so many calls of op_start are told to try again */
    int no_memory;     /* so many calls of op_new give NULL */
    enum future_notifier_type notifier;
};

static inline void *manual_new(struct vdm *vdm, enum vdm_operation_type type)
{
    struct manual_mover *mover = (struct manual_mover *)vdm;
    CHECK(type == VDM_OPERATION_MEMCPY || type == VDM_OPERATION_MEMMOVE);
    if (mover->no_memory > 0) {
        --mover->no_memory;
        return NULL;
    }
    CHECK(mover->count < MANUAL_OPERATIONS);
    return &mover->operations[mover->count++];
}

static struct manual_mover manual;

static inline int manual_start(void *data, const struct vdm_operation *operation, struct future_notifier *notifier)
{
    struct manual_operation *own = data;
    int refused = 0;
    (void)operation;
    CHECK(pthread_mutex_lock(&manual.mutex) == 0);
    CHECK(!own->started);
    if (manual.refuse_starts > 0) {
        --manual.refuse_starts;
        refused = 1;
    } else {
        own->started = 1;
        if (notifier != NULL) {
            notifier->notifier_used = manual.notifier;
            if (manual.notifier == FUTURE_NOTIFIER_WAKER)
                own->waker = notifier->waker;
        }
    }
    CHECK(pthread_mutex_unlock(&manual.mutex) == 0);
    return refused;
}

static inline enum future_state manual_check(void *data, const struct vdm_operation *operation)
{
    struct manual_operation *own = data;
    CHECK(pthread_mutex_lock(&manual.mutex) == 0);
    const int done = own->done;
    CHECK(pthread_mutex_unlock(&manual.mutex) == 0);
    if (!done)
        return FUTURE_STATE_RUNNING;
    memcpy(operation->data.memcpy.dest, operation->data.memcpy.src, operation->data.memcpy.n);
    return FUTURE_STATE_COMPLETE;
}

static inline void manual_delete(void *data, const struct vdm_operation *operation, struct vdm_operation_output *output)
{
    struct manual_operation *own = data;
    CHECK(!own->ended);
    own->ended = 1;
    output->type = operation->type;
    output->result = VDM_SUCCESS;
    output->output.memcpy.dest = operation->data.memcpy.dest;
}

static inline int manual_has_property(void *future, enum future_property property)
{
    (void)future;
    return property == FUTURE_PROPERTY_ASYNC;
}

/* Starts anew; nothing of what it was used for before may be pending. */
static inline struct vdm *manual_mover_init(enum future_notifier_type notifier)
{
    const struct manual_mover fresh = {
        .vdm = {manual_new, manual_delete, manual_start, manual_check, 0, manual_has_property},
        .mutex = PTHREAD_MUTEX_INITIALIZER,
        .notifier = notifier,
    };
    manual = fresh;
    return &manual.vdm;
}

/* The n-th operation is done from now on; who waits for it is woken. */
static inline void manual_mover_finish(int n)
{
    CHECK(n < manual.count);
    CHECK(pthread_mutex_lock(&manual.mutex) == 0);
    struct manual_operation *own = &manual.operations[n];
    own->done = 1;
    const struct future_waker waker = own->waker;
    CHECK(pthread_mutex_unlock(&manual.mutex) == 0);
    if (waker.wake != NULL)
        waker.wake(waker.data);
}

#endif
