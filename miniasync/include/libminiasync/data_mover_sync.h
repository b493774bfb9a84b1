/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright the pmemstream authors */

/* The synchronous mover: an operation runs, and completes, in the poll that starts it. Since version 1.0. */

#ifndef LIBMINIASYNC_DATA_MOVER_SYNC_H
#define LIBMINIASYNC_DATA_MOVER_SYNC_H

#include "vdm.h"

#ifdef __cplusplus
extern "C" {
#endif

struct data_mover_sync;

/* A new mover, owned by the caller; NULL with errno ENOMEM. Thread safe. */
struct data_mover_sync *data_mover_sync_new(void);

/* The mover's interface, owned by the mover; any number of threads may use it at the same time. Does not fail. */
struct vdm *data_mover_sync_get_vdm(struct data_mover_sync *mover);

/* Deletes the mover. None of its futures may be polled any more. NULL does nothing. */
void data_mover_sync_delete(struct data_mover_sync *mover);

#ifdef __cplusplus
}
#endif

#endif /* LIBMINIASYNC_DATA_MOVER_SYNC_H */
