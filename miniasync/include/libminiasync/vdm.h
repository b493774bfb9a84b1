/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright the pmemstream authors */

/*
 * Virtual data movers: one interface to whatever copies, sets or flushes memory. Header only, since version 1.0.
 *
 * Ownership: a mover outlives the futures made for it. Source and destination belong to the caller, and must stay valid
 * from the first poll until the future is complete. Dropping a future that was polled does not stop its operation: the
 * buffers, and the waker it was polled with, must then stay valid until the mover is deleted. Dropping one that was
 * never polled runs nothing.
 * Threads: making a future needs no lock if the mover's functions need none (those of this library are thread safe).
 * Errors: in the future's output, `result`.
 */

#ifndef LIBMINIASYNC_VDM_H
#define LIBMINIASYNC_VDM_H

#include "future.h"

#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The destination is durable on completion, if it is memory whose stores are durable once flushed and fenced. */
#define VDM_F_MEM_DURABLE (1U << 0)
/* The destination is not going to be read soon. */
#define VDM_F_NO_CACHE_HINT (1U << 1)
#define VDM_F_VALID_FLAGS (VDM_F_MEM_DURABLE | VDM_F_NO_CACHE_HINT)

enum vdm_operation_type { VDM_OPERATION_MEMCPY, VDM_OPERATION_MEMMOVE, VDM_OPERATION_MEMSET, VDM_OPERATION_FLUSH };

/*
 * OUT_OF_MEMORY: the mover had no memory for the operation. JOB_CORRUPTED: the operation did not run (unknown type or
 * flags, something that this processor cannot do, or deleted before it ran).
 */
enum vdm_operation_result { VDM_SUCCESS, VDM_ERROR_OUT_OF_MEMORY, VDM_ERROR_JOB_CORRUPTED };

/* Sizes in bytes. */
struct vdm_operation_data_memcpy {
    void *dest;
    void *src;
    size_t n;
    uint64_t flags;
};

struct vdm_operation_data_memmove {
    void *dest;
    void *src;
    size_t n;
    uint64_t flags;
};

struct vdm_operation_data_memset {
    void *str;
    int c;
    size_t n;
    uint64_t flags;
};

struct vdm_operation_data_flush {
    void *dest;
    size_t n;
    uint64_t flags;
};

struct vdm_operation {
    union {
        struct vdm_operation_data_memcpy memcpy;
        struct vdm_operation_data_memmove memmove;
        struct vdm_operation_data_memset memset;
        struct vdm_operation_data_flush flush;
        uint8_t data[40];
    } data;
    enum vdm_operation_type type;
    uint32_t padding;
};

struct vdm_operation_output_memcpy {
    void *dest;
};

struct vdm_operation_output_memmove {
    void *dest;
};

struct vdm_operation_output_memset {
    void *str;
};

struct vdm_operation_output_flush {
    uint64_t unused;
};

struct vdm_operation_output {
    enum vdm_operation_type type;
    enum vdm_operation_result result;
    union {
        struct vdm_operation_output_memcpy memcpy;
        struct vdm_operation_output_memmove memmove;
        struct vdm_operation_output_memset memset;
        struct vdm_operation_output_flush flush;
    } output;
};

struct vdm;

/* Gives the mover's state for one operation, or NULL when there is no memory for it. */
typedef void *(*vdm_operation_new)(struct vdm *vdm, enum vdm_operation_type type);

/* Starts the operation: 0, or not 0 when it is not started and has to be tried again. The notifier may be NULL. */
typedef int (*vdm_operation_start)(void *data, const struct vdm_operation *operation, struct future_notifier *notifier);

/* COMPLETE once a started operation has finished; its stores are then visible to the caller. */
typedef enum future_state (*vdm_operation_check)(void *data, const struct vdm_operation *operation);

/*
 * Fills in the output and ends the operation; `data` is not used any more. An operation that waits for its turn is
 * taken back, one that runs is waited for, so that the caller may reuse its buffers afterwards.
 */
typedef void (*vdm_operation_delete)(void *data, const struct vdm_operation *operation,
                                     struct vdm_operation_output *output);

struct vdm {
    vdm_operation_new op_new;
    vdm_operation_delete op_delete;
    vdm_operation_start op_start;
    vdm_operation_check op_check;
    unsigned capabilities; /* the VDM_F_* flags that have an effect */
    future_has_property_fn has_property;
};

struct vdm_operation_data {
    void *data;
    struct vdm *vdm;
    struct vdm_operation operation;
};

FUTURE(vdm_operation_future, struct vdm_operation_data, struct vdm_operation_output);

/* 1 if the mover has all of the given capabilities (VDM_F_* flags), else 0. */
static inline int vdm_is_supported(struct vdm *vdm, unsigned capability)
{
    return (vdm->capabilities & capability) == capability;
}

/* Used by the functions below: the task of an operation. IDLE again when the mover could not start it yet. */
static inline enum future_state vdm_operation_task(struct future_context *context, struct future_notifier *notifier)
{
    struct vdm_operation_data *operation = (struct vdm_operation_data *)future_context_get_data(context);
    struct vdm *vdm = operation->vdm;

    if (context->state == FUTURE_STATE_IDLE && vdm->op_start(operation->data, &operation->operation, notifier) != 0) {
        return FUTURE_STATE_IDLE;
    }
    if (vdm->op_check(operation->data, &operation->operation) != FUTURE_STATE_COMPLETE) {
        return FUTURE_STATE_RUNNING;
    }
    vdm->op_delete(operation->data, &operation->operation,
                   (struct vdm_operation_output *)future_context_get_output(context));
    operation->data = NULL;
    return FUTURE_STATE_COMPLETE;
}

/* Used by the functions below: completes the future that has its operation filled in. */
static inline void vdm_operation_future_init(struct vdm_operation_future *future, struct vdm *vdm,
                                             enum vdm_operation_type type)
{
    future->data.vdm = vdm;
    future->data.operation.type = type;
    future->output.type = type;
    future->data.data = vdm->op_new(vdm, type);
    if (future->data.data) {
        FUTURE_INIT_EXT(future, vdm_operation_task, vdm->has_property);
    } else {
        FUTURE_INIT_COMPLETE(future);
        future->output.result = VDM_ERROR_OUT_OF_MEMORY;
    }
}

/*
 * Each gives a future that its first poll starts: IDLE, or already COMPLETE with VDM_ERROR_OUT_OF_MEMORY. n is in
 * bytes, flags are VDM_F_*. Afterwards output.output.<operation> has the destination.
 */

/* Copies n bytes between areas that do not overlap. */
static inline struct vdm_operation_future vdm_memcpy(struct vdm *vdm, void *dest, const void *src, size_t n,
                                                     uint64_t flags)
{
    struct vdm_operation_future future;

    memset(&future, 0, sizeof(future));
    future.data.operation.data.memcpy.dest = dest;
    future.data.operation.data.memcpy.src = (void *)(uintptr_t)src; /* a mover only reads it */
    future.data.operation.data.memcpy.n = n;
    future.data.operation.data.memcpy.flags = flags;
    vdm_operation_future_init(&future, vdm, VDM_OPERATION_MEMCPY);
    return future;
}

/* Copies n bytes between areas that may overlap. */
static inline struct vdm_operation_future vdm_memmove(struct vdm *vdm, void *dest, const void *src, size_t n,
                                                      uint64_t flags)
{
    struct vdm_operation_future future;

    memset(&future, 0, sizeof(future));
    future.data.operation.data.memmove.dest = dest;
    future.data.operation.data.memmove.src = (void *)(uintptr_t)src; /* a mover only reads it */
    future.data.operation.data.memmove.n = n;
    future.data.operation.data.memmove.flags = flags;
    vdm_operation_future_init(&future, vdm, VDM_OPERATION_MEMMOVE);
    return future;
}

/* Sets n bytes to c. */
static inline struct vdm_operation_future vdm_memset(struct vdm *vdm, void *str, int c, size_t n, uint64_t flags)
{
    struct vdm_operation_future future;

    memset(&future, 0, sizeof(future));
    future.data.operation.data.memset.str = str;
    future.data.operation.data.memset.c = c;
    future.data.operation.data.memset.n = n;
    future.data.operation.data.memset.flags = flags;
    vdm_operation_future_init(&future, vdm, VDM_OPERATION_MEMSET);
    return future;
}

/* Writes n bytes that other threads or this one have stored back from the processor's caches, and fences. */
static inline struct vdm_operation_future vdm_flush(struct vdm *vdm, void *dest, size_t n, uint64_t flags)
{
    struct vdm_operation_future future;

    memset(&future, 0, sizeof(future));
    future.data.operation.data.flush.dest = dest;
    future.data.operation.data.flush.n = n;
    future.data.operation.data.flush.flags = flags;
    vdm_operation_future_init(&future, vdm, VDM_OPERATION_FLUSH);
    return future;
}

#ifdef __cplusplus
}
#endif

#endif /* LIBMINIASYNC_VDM_H */
