/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright the pmemstream authors */

/* Two copies by worker threads, while this thread sleeps. */

#include <libminiasync.h>
#include <stdio.h>

int main(void)
{
    char source[] = "one copied, two copied";
    char first[sizeof(source)] = "";
    char second[sizeof(source)] = "";
    int failed = 1;

    struct data_mover_threads *mover = data_mover_threads_default();
    struct runtime *runtime = runtime_new();

    if (mover && runtime) {
        struct vdm *vdm = data_mover_threads_get_vdm(mover);
        struct vdm_operation_future one = vdm_memcpy(vdm, first, source, sizeof(source), 0);
        struct vdm_operation_future two = vdm_memcpy(vdm, second, source, sizeof(source), 0);
        struct future *both[] = {FUTURE_AS_RUNNABLE(&one), FUTURE_AS_RUNNABLE(&two)};

        runtime_wait_multiple(runtime, both, 2);

        failed = FUTURE_OUTPUT(&one)->result != VDM_SUCCESS || FUTURE_OUTPUT(&two)->result != VDM_SUCCESS;
        printf("%s\n%s\n", first, second);
    }

    runtime_delete(runtime);
    data_mover_threads_delete(mover);
    return failed;
}
