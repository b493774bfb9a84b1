/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright the pmemstream authors */

/* A chain in plain C: two copies by a mover, the second built when the first is done, the result in the chain. */

#include "support/check.h"

#include <libminiasync.h>

struct copy_twice_data {
    FUTURE_CHAIN_ENTRY(struct vdm_operation_future, first);
    FUTURE_CHAIN_ENTRY_LAST(struct vdm_operation_future, second);
    struct vdm *vdm;
    char *middle;
    char *end;
    size_t n;
};

struct copy_twice_output {
    void *dest;
    int maps;
};

FUTURE(copy_twice_future, struct copy_twice_data, struct copy_twice_output);

static void start_second(void *future, struct future_context *chain, void *arg)
{
    const struct copy_twice_data *data = future_context_get_data(chain);

    CHECK(arg == NULL);
    *(struct vdm_operation_future *)future = vdm_memcpy(data->vdm, data->end, data->middle, data->n, 0);
}

static void count_map(struct future_context *lhs, struct future_context *rhs, void *arg)
{
    const struct vdm_operation_output *output = future_context_get_output(lhs);

    (void)rhs;
    CHECK(output->result == VDM_SUCCESS);
    ++*(int *)arg;
}

static void map_to_chain(struct future_context *lhs, struct future_context *rhs, void *arg)
{
    const struct vdm_operation_output *from = future_context_get_output(lhs);
    struct copy_twice_output *to = future_context_get_output(rhs);

    to->dest = from->output.memcpy.dest;
    to->maps = *(int *)arg + 1;
}

static void copy_twice(struct vdm *vdm, struct runtime *runtime)
{
    char source[] = "abc";
    char middle[sizeof(source)] = "";
    char end[sizeof(source)] = "";
    int maps = 0;
    struct copy_twice_future chain;

    chain.data.vdm = vdm;
    chain.data.middle = middle;
    chain.data.end = end;
    chain.data.n = sizeof(source);
    FUTURE_CHAIN_ENTRY_INIT(&chain.data.first, vdm_memcpy(vdm, middle, source, sizeof(source), 0), count_map, &maps);
    FUTURE_CHAIN_ENTRY_LAZY_INIT(&chain.data.second, start_second, NULL, map_to_chain, &maps);
    FUTURE_CHAIN_INIT(&chain);

    CHECK(!FUTURE_CHAIN_ENTRY_IS_LAST(&chain.data.first));
    CHECK(FUTURE_CHAIN_ENTRY_IS_LAST(&chain.data.second));
    CHECK(FUTURE_CHAIN_ENTRY_IS_INITIALIZED(&chain.data.first));
    CHECK(!FUTURE_CHAIN_ENTRY_IS_INITIALIZED(&chain.data.second));
    CHECK(FUTURE_STATE(&chain) == FUTURE_STATE_IDLE);

    if (runtime) {
        runtime_wait(runtime, FUTURE_AS_RUNNABLE(&chain));
    } else {
        FUTURE_BUSY_POLL(&chain);
    }

    CHECK(FUTURE_CHAIN_ENTRY_IS_PROCESSED(&chain.data.first));
    CHECK(FUTURE_CHAIN_ENTRY_IS_PROCESSED(&chain.data.second));
    CHECK(FUTURE_CHAIN_ENTRY_HAS_FLAG(&chain.data.second, FUTURE_CHAIN_FLAG_ENTRY_LAST));
    CHECK(future_has_property(&chain, FUTURE_PROPERTY_ASYNC) == -1);
    CHECK(FUTURE_OUTPUT(&chain)->dest == end);
    CHECK(FUTURE_OUTPUT(&chain)->maps == 2);
    CHECK(strcmp(end, source) == 0);
}

int main(void)
{
    struct data_mover_sync *sync = data_mover_sync_new();
    struct data_mover_threads *threads = data_mover_threads_default();
    struct runtime *runtime = runtime_new();

    CHECK(sync && threads && runtime);
    copy_twice(data_mover_sync_get_vdm(sync), NULL);
    copy_twice(data_mover_sync_get_vdm(sync), runtime);
    copy_twice(data_mover_threads_get_vdm(threads), NULL);
    copy_twice(data_mover_threads_get_vdm(threads), runtime);

    runtime_delete(runtime);
    data_mover_threads_delete(threads);
    data_mover_sync_delete(sync);
    return 0;
}
