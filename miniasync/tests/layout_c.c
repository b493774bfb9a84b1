/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright the pmemstream authors */

/* The layouts that programs are compiled against, and the macros in C. */

#include "support/check.h"

#include <libminiasync.h>

#define ASSERT_OFFSET(type, member, offset) _Static_assert(offsetof(struct type, member) == (offset), #type "." #member)
#define ASSERT_SIZE(type, size) _Static_assert(sizeof(struct type) == (size), #type)

_Static_assert(sizeof(void *) == 8 && sizeof(size_t) == 8, "the numbers below are those of 64-bit systems");

_Static_assert(FUTURE_STATE_IDLE == 0 && FUTURE_STATE_COMPLETE == 1 && FUTURE_STATE_RUNNING == 2, "states");
_Static_assert(FUTURE_NOTIFIER_NONE == 0 && FUTURE_NOTIFIER_WAKER == 1 && FUTURE_NOTIFIER_POLLER == 2, "notifiers");
_Static_assert(FUTURE_PROPERTY_ASYNC == 0, "properties");
_Static_assert(FUTURE_CHAIN_FLAG_ENTRY_LAST == 1 && FUTURE_CHAIN_FLAG_ENTRY_PROCESSED == 2, "flags of entries");
_Static_assert(FUTURE_CHAIN_VALID_FLAGS == 3, "flags of entries");

ASSERT_SIZE(future_context, 24);
ASSERT_OFFSET(future_context, data_size, 0);
ASSERT_OFFSET(future_context, output_size, 8);
ASSERT_OFFSET(future_context, state, 16);
ASSERT_OFFSET(future_context, padding, 20);

ASSERT_SIZE(future_waker, 16);
ASSERT_OFFSET(future_waker, data, 0);
ASSERT_OFFSET(future_waker, wake, 8);

ASSERT_SIZE(future_poller, 8);

ASSERT_SIZE(future_notifier, 32);
ASSERT_OFFSET(future_notifier, waker, 0);
ASSERT_OFFSET(future_notifier, poller, 16);
ASSERT_OFFSET(future_notifier, notifier_used, 24);
ASSERT_OFFSET(future_notifier, padding, 28);

ASSERT_SIZE(future, 40);
ASSERT_OFFSET(future, task, 0);
ASSERT_OFFSET(future, has_property, 8);
ASSERT_OFFSET(future, context, 16);

ASSERT_SIZE(future_chain_entry, 80);
ASSERT_OFFSET(future_chain_entry, map, 0);
ASSERT_OFFSET(future_chain_entry, map_arg, 8);
ASSERT_OFFSET(future_chain_entry, init, 16);
ASSERT_OFFSET(future_chain_entry, init_arg, 24);
ASSERT_OFFSET(future_chain_entry, flags, 32);
ASSERT_OFFSET(future_chain_entry, future, 40);

struct number {
    uint64_t value;
};
FUTURE(number_future, struct number, struct number);

ASSERT_SIZE(number_future, 56);
ASSERT_OFFSET(number_future, base, 0);
ASSERT_OFFSET(number_future, data, 40);
ASSERT_OFFSET(number_future, output, 48);

struct chain_data {
    FUTURE_CHAIN_ENTRY(struct number_future, first);
    FUTURE_CHAIN_ENTRY_LAST(struct number_future, last);
};
FUTURE(chain_future, struct chain_data, struct number);

ASSERT_SIZE(chain_data, 192);
ASSERT_OFFSET(chain_data, first.map, 0);
ASSERT_OFFSET(chain_data, first.map_arg, 8);
ASSERT_OFFSET(chain_data, first.init, 16);
ASSERT_OFFSET(chain_data, first.init_arg, 24);
ASSERT_OFFSET(chain_data, first.flags, 32);
ASSERT_OFFSET(chain_data, first.fut, 40);
ASSERT_OFFSET(chain_data, last.map, 96);
ASSERT_OFFSET(chain_data, last.fut, 136);

_Static_assert(VDM_OPERATION_MEMCPY == 0 && VDM_OPERATION_MEMMOVE == 1, "operations");
_Static_assert(VDM_OPERATION_MEMSET == 2 && VDM_OPERATION_FLUSH == 3, "operations");
_Static_assert(VDM_SUCCESS == 0 && VDM_ERROR_OUT_OF_MEMORY == 1 && VDM_ERROR_JOB_CORRUPTED == 2, "results");
_Static_assert(VDM_F_MEM_DURABLE == 1 && VDM_F_NO_CACHE_HINT == 2 && VDM_F_VALID_FLAGS == 3, "flags of operations");

ASSERT_SIZE(vdm, 48);
ASSERT_OFFSET(vdm, op_new, 0);
ASSERT_OFFSET(vdm, op_delete, 8);
ASSERT_OFFSET(vdm, op_start, 16);
ASSERT_OFFSET(vdm, op_check, 24);
ASSERT_OFFSET(vdm, capabilities, 32);
ASSERT_OFFSET(vdm, has_property, 40);

ASSERT_SIZE(vdm_operation, 48);
ASSERT_OFFSET(vdm_operation, data.memcpy.dest, 0);
ASSERT_OFFSET(vdm_operation, data.memcpy.src, 8);
ASSERT_OFFSET(vdm_operation, data.memcpy.n, 16);
ASSERT_OFFSET(vdm_operation, data.memcpy.flags, 24);
ASSERT_OFFSET(vdm_operation, data.memmove.dest, 0);
ASSERT_OFFSET(vdm_operation, data.memmove.src, 8);
ASSERT_OFFSET(vdm_operation, data.memmove.n, 16);
ASSERT_OFFSET(vdm_operation, data.memmove.flags, 24);
ASSERT_OFFSET(vdm_operation, data.memset.str, 0);
ASSERT_OFFSET(vdm_operation, data.memset.c, 8);
ASSERT_OFFSET(vdm_operation, data.memset.n, 16);
ASSERT_OFFSET(vdm_operation, data.memset.flags, 24);
ASSERT_OFFSET(vdm_operation, data.flush.dest, 0);
ASSERT_OFFSET(vdm_operation, data.flush.n, 8);
ASSERT_OFFSET(vdm_operation, data.flush.flags, 16);
ASSERT_OFFSET(vdm_operation, type, 40);
ASSERT_OFFSET(vdm_operation, padding, 44);

ASSERT_SIZE(vdm_operation_data, 64);
ASSERT_OFFSET(vdm_operation_data, data, 0);
ASSERT_OFFSET(vdm_operation_data, vdm, 8);
ASSERT_OFFSET(vdm_operation_data, operation, 16);

ASSERT_SIZE(vdm_operation_output, 16);
ASSERT_OFFSET(vdm_operation_output, type, 0);
ASSERT_OFFSET(vdm_operation_output, result, 4);
ASSERT_OFFSET(vdm_operation_output, output.memcpy.dest, 8);
ASSERT_OFFSET(vdm_operation_output, output.memmove.dest, 8);
ASSERT_OFFSET(vdm_operation_output, output.memset.str, 8);
ASSERT_OFFSET(vdm_operation_output, output.flush.unused, 8);

ASSERT_SIZE(vdm_operation_future, 120);
ASSERT_OFFSET(vdm_operation_future, data, 40);
ASSERT_OFFSET(vdm_operation_future, output, 104);

static enum future_state double_task(struct future_context *context, struct future_notifier *notifier)
{
    const struct number *in = future_context_get_data(context);
    struct number *out = future_context_get_output(context);

    (void)notifier;
    out->value = 2 * in->value;
    return FUTURE_STATE_COMPLETE;
}

static void count_wake(void *data)
{
    ++*(int *)data;
}

int main(void)
{
    struct number_future future = {.data = {21}};
    int wakes = 0;
    struct future_waker waker = {&wakes, count_wake};

    FUTURE_INIT(&future, double_task);
    CHECK(FUTURE_STATE(&future) == FUTURE_STATE_IDLE);
    CHECK(FUTURE_AS_RUNNABLE(&future) == &future.base);
    CHECK(FUTURE_DATA(&future) == &future.data);
    CHECK(FUTURE_OUTPUT(&future) == &future.output);
    CHECK(future_context_get_data(&future.base.context) == (void *)&future.data);
    CHECK(future_context_get_output(&future.base.context) == (void *)&future.output);
    CHECK(future_context_get_size(&future.base.context) == sizeof(future.data) + sizeof(future.output));
    CHECK(future_has_property(&future, FUTURE_PROPERTY_ASYNC) == 0);

    FUTURE_BUSY_POLL(&future);
    CHECK(FUTURE_STATE(&future) == FUTURE_STATE_COMPLETE);
    CHECK(FUTURE_OUTPUT(&future)->value == 42);

    FUTURE_WAKER_WAKE(&waker);
    CHECK(wakes == 1);
    return 0;
}
