/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright the pmemstream authors */

/* Numbers that are no enumerators, which only C can pass. */

#include "support/check.h"

#include <libminiasync.h>

#include <errno.h>

static void check_unknown_operation(struct vdm *vdm)
{
    char target = 0;
    struct vdm_operation_future future = vdm_memset(vdm, &target, 1, 1, 0);

    future.data.operation.type = (enum vdm_operation_type)77;
    FUTURE_BUSY_POLL(&future);
    CHECK(FUTURE_OUTPUT(&future)->result == VDM_ERROR_JOB_CORRUPTED);
    CHECK(FUTURE_OUTPUT(&future)->type == (enum vdm_operation_type)77);
    CHECK(target == 0);
}

int main(void)
{
    struct data_mover_sync *sync = data_mover_sync_new();
    struct data_mover_threads *threads = data_mover_threads_default();

    CHECK(sync && threads);
    check_unknown_operation(data_mover_sync_get_vdm(sync));
    check_unknown_operation(data_mover_threads_get_vdm(threads));
    data_mover_threads_delete(threads);
    data_mover_sync_delete(sync);

    errno = 0;
    CHECK(data_mover_threads_new(1, 1, (enum future_notifier_type)9) == NULL);
    CHECK(errno == EINVAL);
    return 0;
}
