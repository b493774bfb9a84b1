/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright the pmemstream authors */

/*
 * Futures: tasks that make progress when they are polled. Header only, since version 1.0.
 *
 * Ownership: a future belongs to its creator and holds its data and its output by value. It may be copied or moved
 * until its first poll, and must stay where it is from then on.
 * Threads: one future is polled by one thread at a time; different futures are independent.
 * Errors: nothing in this header fails. What a task has to report goes into its output.
 * Macros evaluate their arguments more than once, unless said otherwise.
 */

#ifndef LIBMINIASYNC_FUTURE_H
#define LIBMINIASYNC_FUTURE_H

#include <sched.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
#define FUTURE_STATIC_ASSERT(condition, text) static_assert(condition, text)
#define FUTURE_ALIGNOF(type) alignof(type)
#else
#define FUTURE_STATIC_ASSERT(condition, text) _Static_assert(condition, text)
#define FUTURE_ALIGNOF(type) _Alignof(type)
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* IDLE: not started. RUNNING: poll again. COMPLETE: the output is there, and the task is not run any more. */
enum future_state { FUTURE_STATE_IDLE, FUTURE_STATE_COMPLETE, FUTURE_STATE_RUNNING };

/* Sizes in bytes. The data starts right behind the context, the output data_size bytes behind the data. */
struct future_context {
    size_t data_size;
    size_t output_size;
    enum future_state state;
    uint32_t padding;
};

/*
 * Called with the waker's data when the future is worth polling again, from any thread, possibly before the poll that
 * handed the waker out has returned, and possibly more often than needed.
 */
typedef void (*future_waker_wake_fn)(void *data);

/* A task that takes the waker copies it. What `data` points to must outlive the wait, or be replaced by a later poll.
 */
struct future_waker {
    void *data;
    future_waker_wake_fn wake;
};

/*
 * ptr_to_monitor: a word that the task points at, zero while there is nothing to do, and non-zero from the moment when
 * the future is worth polling again. It is valid until the next poll, and is read with an atomic load (acquire).
 */
struct future_poller {
    uint64_t *ptr_to_monitor;
};

enum future_notifier_type { FUTURE_NOTIFIER_NONE, FUTURE_NOTIFIER_WAKER, FUTURE_NOTIFIER_POLLER };

/*
 * Handed to a poll: the caller fills in the waker, the task says in notifier_used how it will report progress, and
 * fills in the poller if it is that. NONE means that nobody will tell, and the caller has to poll again on its own.
 */
struct future_notifier {
    struct future_waker waker;
    struct future_poller poller;
    enum future_notifier_type notifier_used;
    uint32_t padding;
};

/* ASYNC: the future also makes progress between two polls. A future without it makes progress only inside a poll. */
enum future_property { FUTURE_PROPERTY_ASYNC };

/* Makes progress and gives the new state. The notifier may be NULL. */
typedef enum future_state (*future_task_fn)(struct future_context *context, struct future_notifier *notifier);

/* 1: has the property; 0: has it not; -1: not applicable any more (a chain whose entries are all processed). */
typedef int (*future_has_property_fn)(void *future, enum future_property property);

struct future {
    future_task_fn task;
    future_has_property_fn has_property;
    struct future_context context;
};

/* Declares `struct name`, a future with the given data and output. */
#define FUTURE(name, data_type, output_type)                                                                           \
    struct name {                                                                                                      \
        FUTURE_STATIC_ASSERT(FUTURE_ALIGNOF(data_type) <= FUTURE_ALIGNOF(struct future),                               \
                             "the data of a future must start right behind its context");                              \
        struct future base;                                                                                            \
        data_type data;                                                                                                \
        output_type output;                                                                                            \
    }

/* Each takes a pointer to a future declared by FUTURE(), and evaluates it once. */
#define FUTURE_AS_RUNNABLE(futurep) (&(futurep)->base)
#define FUTURE_DATA(futurep) (&(futurep)->data)
#define FUTURE_OUTPUT(futurep) (&(futurep)->output)
#define FUTURE_STATE(futurep) ((futurep)->base.context.state)

/* Where the data begins; the task that asks knows the type. */
static inline void *future_context_get_data(struct future_context *context)
{
    return (char *)context + sizeof(struct future_context);
}

/* Where the output begins; the task that asks knows the type. */
static inline void *future_context_get_output(struct future_context *context)
{
    return (char *)future_context_get_data(context) + context->data_size;
}

/* Bytes behind the context: data, its padding up to the output, and output. */
static inline size_t future_context_get_size(struct future_context *context)
{
    return context->data_size + context->output_size;
}

/* A future that has no property. */
static inline int future_has_property_default(void *future, enum future_property property)
{
    (void)future;
    (void)property;
    return 0;
}

/* Asks a future, given as `struct future *` or as a pointer to a type made by FUTURE(). */
static inline int future_has_property(void *future, enum future_property property)
{
    return ((struct future *)future)->has_property(future, property);
}

/*
 * Runs the task unless the future is complete, stores and returns the state. The notifier may be NULL.
 *
 * notifier_used starts as NONE in each poll: a value left by another task (an earlier entry of a chain) would promise
 * a wake that never comes.
 */
static inline enum future_state future_poll(struct future *fut, struct future_notifier *notifier)
{
    if (notifier) {
        notifier->notifier_used = FUTURE_NOTIFIER_NONE;
    }
    if (fut->context.state != FUTURE_STATE_COMPLETE) {
        fut->context.state = fut->task(&fut->context, notifier);
    }
    return fut->context.state;
}

/* Used by the macros below. */
static inline void future_init_base(struct future *fut, future_task_fn task, future_has_property_fn has_property,
                                    enum future_state state, size_t data_size, size_t output_size)
{
    fut->task = task;
    fut->has_property = has_property;
    fut->context.data_size = data_size;
    fut->context.output_size = output_size;
    fut->context.state = state;
    fut->context.padding = 0;
}

/* The distance and not sizeof(data): an output of stricter alignment than the data starts behind padding. */
#define FUTURE_INIT_STATE(futurep, task_fn, has_property_fn, initial_state)                                            \
    future_init_base(&(futurep)->base, (task_fn), (has_property_fn), (initial_state),                                  \
                     (size_t)((const char *)&(futurep)->output - (const char *)&(futurep)->data),                      \
                     sizeof((futurep)->output))

/* Make a future IDLE with the given task (and properties), or COMPLETE without one. Data and output are not touched. */
#define FUTURE_INIT_EXT(futurep, task_fn, has_property_fn)                                                             \
    FUTURE_INIT_STATE(futurep, task_fn, has_property_fn, FUTURE_STATE_IDLE)
#define FUTURE_INIT(futurep, task_fn) FUTURE_INIT_EXT(futurep, task_fn, future_has_property_default)
#define FUTURE_INIT_COMPLETE(futurep)                                                                                  \
    FUTURE_INIT_STATE(futurep, NULL, future_has_property_default, FUTURE_STATE_COMPLETE)

#define FUTURE_WAKER_WAKE(wakerp) ((wakerp)->wake((wakerp)->data))

/* Used by FUTURE_BUSY_POLL. Yields now and then, so that a worker thread gets on when there are few processors. */
static inline void future_busy_poll(struct future *fut)
{
    for (unsigned polls = 1; future_poll(fut, NULL) != FUTURE_STATE_COMPLETE; ++polls) {
        if (polls % 64 == 0) {
            sched_yield();
        }
#if defined(__x86_64__) || defined(__i386__)
        __builtin_ia32_pause();
#endif
    }
}

/* Polls without a notifier until the future is complete. Evaluates its argument once. */
#define FUTURE_BUSY_POLL(futurep) future_busy_poll(FUTURE_AS_RUNNABLE(futurep))

/*
 * Chains: futures that run one after the other. The data of a chain begins with its entries, back to back, the last
 * one declared by FUTURE_CHAIN_ENTRY_LAST:
 *
 *     struct copy_twice_data {
 *         FUTURE_CHAIN_ENTRY(struct vdm_operation_future, first);
 *         FUTURE_CHAIN_ENTRY_LAST(struct vdm_operation_future, second);
 *     };
 */

/* Carries the result of a finished entry (lhs) into the next entry, or from the last entry into the chain (rhs). */
typedef void (*future_map_fn)(struct future_context *lhs, struct future_context *rhs, void *arg);

/* Builds the entry's future in place. `chain` is the context of the chain that it belongs to. */
typedef void (*future_init_fn)(void *future, struct future_context *chain, void *arg);

#define FUTURE_CHAIN_FLAG_ENTRY_LAST (1U << 0)
#define FUTURE_CHAIN_FLAG_ENTRY_PROCESSED (1U << 1)
#define FUTURE_CHAIN_VALID_FLAGS (FUTURE_CHAIN_FLAG_ENTRY_LAST | FUTURE_CHAIN_FLAG_ENTRY_PROCESSED)

/*
 * What every entry begins with, whatever its future's type. The entries that a program declares are other types, hence
 * the attribute: without it the compiler could assume that a store through one is not seen through the other.
 */
struct __attribute__((may_alias)) future_chain_entry {
    future_map_fn map;
    void *map_arg;
    future_init_fn init;
    void *init_arg;
    uint64_t flags;
    struct future future;
};

/* The flags' array type remembers whether the entry is the last one, for FUTURE_CHAIN_ENTRY_INITIAL_FLAGS. */
#define FUTURE_CHAIN_ENTRY_TYPED(future_type, name, last_flag)                                                         \
    struct {                                                                                                           \
        FUTURE_STATIC_ASSERT(FUTURE_ALIGNOF(future_type) <= FUTURE_ALIGNOF(struct future),                             \
                             "the future of a chain's entry must start right behind the entry's flags");               \
        future_map_fn map;                                                                                             \
        void *map_arg;                                                                                                 \
        future_init_fn init;                                                                                           \
        void *init_arg;                                                                                                \
        union {                                                                                                        \
            uint64_t value;                                                                                            \
            char (*type_only)[1 + (last_flag)];                                                                        \
        } flags;                                                                                                       \
        future_type fut;                                                                                               \
    } name

#define FUTURE_CHAIN_ENTRY(future_type, name) FUTURE_CHAIN_ENTRY_TYPED(future_type, name, 0)
#define FUTURE_CHAIN_ENTRY_LAST(future_type, name)                                                                     \
    FUTURE_CHAIN_ENTRY_TYPED(future_type, name, FUTURE_CHAIN_FLAG_ENTRY_LAST)

#define FUTURE_CHAIN_ENTRY_INITIAL_FLAGS(entryp) ((uint64_t)sizeof(*(entryp)->flags.type_only) - 1)

/* Gives an entry its future (by value) and what to do with its result; map_fn may be NULL. */
#define FUTURE_CHAIN_ENTRY_INIT(entryp, future_value, map_fn, map_argument)                                            \
    do {                                                                                                               \
        (entryp)->fut = (future_value);                                                                                \
        (entryp)->map = (map_fn);                                                                                      \
        (entryp)->map_arg = (map_argument);                                                                            \
        (entryp)->init = NULL;                                                                                         \
        (entryp)->init_arg = NULL;                                                                                     \
        (entryp)->flags.value = FUTURE_CHAIN_ENTRY_INITIAL_FLAGS(entryp);                                              \
    } while (0)

/* As above, with a future that init_fn (not NULL) builds just before it is first needed. */
#define FUTURE_CHAIN_ENTRY_LAZY_INIT(entryp, init_fn, init_argument, map_fn, map_argument)                             \
    do {                                                                                                               \
        (entryp)->map = (map_fn);                                                                                      \
        (entryp)->map_arg = (map_argument);                                                                            \
        (entryp)->init = (init_fn);                                                                                    \
        (entryp)->init_arg = (init_argument);                                                                          \
        (entryp)->flags.value = FUTURE_CHAIN_ENTRY_INITIAL_FLAGS(entryp);                                              \
    } while (0)

/* Each takes a pointer to an entry, as a chain declares it or as `struct future_chain_entry *`. */
#define FUTURE_CHAIN_ENTRY_HAS_FLAG(entryp, flag)                                                                      \
    ((((const struct future_chain_entry *)(const void *)(entryp))->flags & (flag)) != 0)
#define FUTURE_CHAIN_ENTRY_IS_LAST(entryp) FUTURE_CHAIN_ENTRY_HAS_FLAG(entryp, FUTURE_CHAIN_FLAG_ENTRY_LAST)
#define FUTURE_CHAIN_ENTRY_IS_PROCESSED(entryp) FUTURE_CHAIN_ENTRY_HAS_FLAG(entryp, FUTURE_CHAIN_FLAG_ENTRY_PROCESSED)
#define FUTURE_CHAIN_ENTRY_IS_INITIALIZED(entryp)                                                                      \
    (((const struct future_chain_entry *)(const void *)(entryp))->init == NULL)

/* Used by the chain: the entry behind this one, which must be initialized and not the last. */
static inline struct future_chain_entry *future_chain_entry_next(struct future_chain_entry *entry)
{
    const size_t alignment = FUTURE_ALIGNOF(struct future_chain_entry);
    const size_t size = sizeof(struct future_chain_entry) + future_context_get_size(&entry->future.context);

    return (struct future_chain_entry *)(void *)((char *)entry + (size + alignment - 1) / alignment * alignment);
}

/* Used by the chain: builds the entry's future, unless it is there. */
static inline void future_chain_entry_prepare(struct future_chain_entry *entry, struct future_context *chain)
{
    if (entry->init) {
        entry->init(&entry->future, chain, entry->init_arg);
        entry->init = NULL;
    }
}

/* The task of a chain: polls the first unfinished entry, and goes on to the next when that one completes. */
static inline enum future_state future_chain_task(struct future_context *chain, struct future_notifier *notifier)
{
    struct future_chain_entry *entry = (struct future_chain_entry *)future_context_get_data(chain);

    for (;;) {
        struct future_chain_entry *next = NULL;

        if (!FUTURE_CHAIN_ENTRY_IS_PROCESSED(entry)) {
            future_chain_entry_prepare(entry, chain);
            if (future_poll(&entry->future, notifier) != FUTURE_STATE_COMPLETE) {
                return FUTURE_STATE_RUNNING;
            }
        }
        if (!FUTURE_CHAIN_ENTRY_IS_LAST(entry)) {
            next = future_chain_entry_next(entry);
        }
        if (!FUTURE_CHAIN_ENTRY_IS_PROCESSED(entry)) {
            /* The next entry is needed now: the map writes into it. */
            if (next) {
                future_chain_entry_prepare(next, chain);
            }
            if (entry->map) {
                entry->map(&entry->future.context, next ? &next->future.context : chain, entry->map_arg);
            }
            entry->flags |= FUTURE_CHAIN_FLAG_ENTRY_PROCESSED;
        }
        if (!next) {
            return FUTURE_STATE_COMPLETE;
        }
        entry = next;
    }
}

/* The properties of a chain: those of its first unprocessed entry (which is built for the question), else -1. */
static inline int future_chain_has_property(void *future, enum future_property property)
{
    struct future_context *chain = &((struct future *)future)->context;
    struct future_chain_entry *entry = (struct future_chain_entry *)future_context_get_data(chain);

    while (FUTURE_CHAIN_ENTRY_IS_PROCESSED(entry)) {
        if (FUTURE_CHAIN_ENTRY_IS_LAST(entry)) {
            return -1;
        }
        entry = future_chain_entry_next(entry);
    }
    future_chain_entry_prepare(entry, chain);
    return future_has_property(&entry->future, property);
}

/* Makes a future, whose data begins with initialized entries, an IDLE chain. */
#define FUTURE_CHAIN_INIT(futurep) FUTURE_INIT_EXT(futurep, future_chain_task, future_chain_has_property)

#ifdef __cplusplus
}
#endif

#endif /* LIBMINIASYNC_FUTURE_H */
