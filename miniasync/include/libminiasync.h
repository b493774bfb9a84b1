/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright the pmemstream authors */

/*
 * libminiasync: futures, virtual data movers, and a runtime that waits for futures. Includes every public header.
 */

#ifndef LIBMINIASYNC_H
#define LIBMINIASYNC_H

#include "libminiasync/data_mover_sync.h"
#include "libminiasync/data_mover_threads.h"
#include "libminiasync/future.h"
#include "libminiasync/runtime.h"
#include "libminiasync/vdm.h"

#endif /* LIBMINIASYNC_H */
