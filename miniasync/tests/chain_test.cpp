// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// Chains of futures.

#include <libminiasync.h>

#include <gtest/gtest.h>

#include <string>

namespace {

// A step writes its name to a log with every poll, and gives its input plus 1.
struct StepData {
    std::string *log;
    int value;
    int polls_left;
    char name;
    bool takes_waker;
};

struct StepOutput {
    char value; // smaller than the alignment of an entry: the next one starts behind padding
};

FUTURE(step_future, StepData, StepOutput);

future_state step_task(future_context *context, future_notifier *notifier)
{
    auto *data = static_cast<StepData *>(future_context_get_data(context));

    data->log->push_back(data->name);
    if (notifier && data->takes_waker) {
        notifier->notifier_used = FUTURE_NOTIFIER_WAKER;
    }
    if (--data->polls_left > 0) {
        return FUTURE_STATE_RUNNING;
    }
    static_cast<StepOutput *>(future_context_get_output(context))->value = static_cast<char>(data->value + 1);
    return FUTURE_STATE_COMPLETE;
}

int is_async(void *, future_property property)
{
    return property == FUTURE_PROPERTY_ASYNC ? 1 : 0;
}

step_future step(std::string &log, char name, int polls = 1)
{
    step_future future{};

    future.data.log = &log;
    future.data.name = name;
    future.data.polls_left = polls;
    FUTURE_INIT(&future, step_task);
    return future;
}

step_future async_step(std::string &log, char name, int polls = 1)
{
    step_future future = step(log, name, polls);

    FUTURE_INIT_EXT(&future, step_task, is_async);
    return future;
}

struct ChainData {
    FUTURE_CHAIN_ENTRY(step_future, a);
    FUTURE_CHAIN_ENTRY(step_future, b);
    FUTURE_CHAIN_ENTRY_LAST(step_future, c);
    std::string *log;
};

struct ChainOutput {
    int value;
};

FUTURE(chain_future, ChainData, ChainOutput);

void map_to_step(future_context *lhs, future_context *rhs, void *arg)
{
    auto *from = static_cast<StepOutput *>(future_context_get_output(lhs));
    auto *to = static_cast<StepData *>(future_context_get_data(rhs));

    to->value = from->value;
    to->log->append(static_cast<const char *>(arg));
}

void map_to_chain(future_context *lhs, future_context *rhs, void *arg)
{
    auto *from = static_cast<StepOutput *>(future_context_get_output(lhs));
    auto *to = static_cast<ChainOutput *>(future_context_get_output(rhs));

    to->value = from->value * *static_cast<int *>(arg);
}

void lazy_step(void *future, future_context *chain, void *arg)
{
    auto *data = static_cast<ChainData *>(future_context_get_data(chain));

    data->log->append("init");
    *static_cast<step_future *>(future) = async_step(*data->log, *static_cast<char *>(arg));
}

char to_b[] = ">";
char to_c[] = ">";
int factor = 10;
char name_a = 'a';
char name_b = 'b';

chain_future chain_of(step_future a, step_future b, step_future c, std::string &log)
{
    chain_future chain{};

    chain.data.log = &log;
    FUTURE_CHAIN_ENTRY_INIT(&chain.data.a, a, map_to_step, to_b);
    FUTURE_CHAIN_ENTRY_INIT(&chain.data.b, b, map_to_step, to_c);
    FUTURE_CHAIN_ENTRY_INIT(&chain.data.c, c, map_to_chain, &factor);
    FUTURE_CHAIN_INIT(&chain);
    return chain;
}

future_state poll(chain_future &chain)
{
    return future_poll(FUTURE_AS_RUNNABLE(&chain), nullptr);
}

TEST(Chain, RunsEntriesInOrderAndCarriesResults)
{
    std::string log;
    chain_future chain = chain_of(step(log, 'a'), step(log, 'b'), step(log, 'c'), log);

    EXPECT_EQ(FUTURE_STATE(&chain), FUTURE_STATE_IDLE);
    EXPECT_EQ(poll(chain), FUTURE_STATE_COMPLETE);
    EXPECT_EQ(log, "a>b>c");
    EXPECT_EQ(FUTURE_OUTPUT(&chain)->value, 30);
}

TEST(Chain, PollsTheFirstUnfinishedEntryAndGoesOnWhenItCompletes)
{
    std::string log;
    chain_future chain = chain_of(step(log, 'a', 2), step(log, 'b', 1), step(log, 'c', 2), log);

    EXPECT_EQ(poll(chain), FUTURE_STATE_RUNNING);
    EXPECT_EQ(log, "a");
    EXPECT_EQ(poll(chain), FUTURE_STATE_RUNNING);
    EXPECT_EQ(log, "aa>b>c");
    EXPECT_EQ(poll(chain), FUTURE_STATE_COMPLETE);
    EXPECT_EQ(log, "aa>b>cc");
    EXPECT_EQ(poll(chain), FUTURE_STATE_COMPLETE);
    EXPECT_EQ(log, "aa>b>cc");
}

TEST(Chain, MarksProcessedEntries)
{
    std::string log;
    chain_future chain = chain_of(step(log, 'a'), step(log, 'b', 2), step(log, 'c'), log);

    EXPECT_FALSE(FUTURE_CHAIN_ENTRY_IS_PROCESSED(&chain.data.a));
    poll(chain);
    EXPECT_TRUE(FUTURE_CHAIN_ENTRY_IS_PROCESSED(&chain.data.a));
    EXPECT_FALSE(FUTURE_CHAIN_ENTRY_IS_PROCESSED(&chain.data.b));
    EXPECT_FALSE(FUTURE_CHAIN_ENTRY_IS_PROCESSED(&chain.data.c));
    poll(chain);
    EXPECT_TRUE(FUTURE_CHAIN_ENTRY_IS_PROCESSED(&chain.data.b));
    EXPECT_TRUE(FUTURE_CHAIN_ENTRY_IS_PROCESSED(&chain.data.c));
    EXPECT_EQ(chain.data.a.flags.value, FUTURE_CHAIN_FLAG_ENTRY_PROCESSED);
    EXPECT_EQ(chain.data.c.flags.value, FUTURE_CHAIN_VALID_FLAGS);
}

TEST(Chain, OnlyTheLastEntryHasTheFlagLast)
{
    std::string log;
    chain_future chain = chain_of(step(log, 'a'), step(log, 'b'), step(log, 'c'), log);

    FUTURE_CHAIN_ENTRY_LAZY_INIT(&chain.data.b, lazy_step, &name_b, nullptr, nullptr);
    EXPECT_FALSE(FUTURE_CHAIN_ENTRY_IS_LAST(&chain.data.a));
    EXPECT_FALSE(FUTURE_CHAIN_ENTRY_IS_LAST(&chain.data.b));
    EXPECT_TRUE(FUTURE_CHAIN_ENTRY_IS_LAST(&chain.data.c));
    EXPECT_TRUE(FUTURE_CHAIN_ENTRY_HAS_FLAG(&chain.data.c, FUTURE_CHAIN_FLAG_ENTRY_LAST));

    auto *generic = reinterpret_cast<future_chain_entry *>(&chain.data.c);
    EXPECT_TRUE(FUTURE_CHAIN_ENTRY_IS_LAST(generic));
    EXPECT_EQ(&generic->future, &chain.data.c.fut.base);
}

TEST(Chain, BuildsALazyEntryJustBeforeTheMapIntoIt)
{
    std::string log;
    chain_future chain = chain_of(step(log, 'a', 2), step(log, 'b'), step(log, 'c'), log);

    FUTURE_CHAIN_ENTRY_LAZY_INIT(&chain.data.b, lazy_step, &name_b, map_to_step, to_c);
    EXPECT_FALSE(FUTURE_CHAIN_ENTRY_IS_INITIALIZED(&chain.data.b));
    poll(chain);
    EXPECT_FALSE(FUTURE_CHAIN_ENTRY_IS_INITIALIZED(&chain.data.b));
    EXPECT_EQ(poll(chain), FUTURE_STATE_COMPLETE);
    EXPECT_TRUE(FUTURE_CHAIN_ENTRY_IS_INITIALIZED(&chain.data.b));
    EXPECT_EQ(log, "aainit>b>c");
    EXPECT_EQ(FUTURE_OUTPUT(&chain)->value, 30);
}

TEST(Chain, BuildsALazyFirstEntryAtTheFirstPoll)
{
    std::string log;
    chain_future chain = chain_of(step(log, 'a'), step(log, 'b'), step(log, 'c'), log);

    FUTURE_CHAIN_ENTRY_LAZY_INIT(&chain.data.a, lazy_step, &name_a, map_to_step, to_b);
    EXPECT_EQ(log, "");
    EXPECT_EQ(poll(chain), FUTURE_STATE_COMPLETE);
    EXPECT_EQ(log, "inita>b>c");
}

TEST(Chain, WorksWithoutMaps)
{
    std::string log;
    chain_future chain = chain_of(step(log, 'a'), step(log, 'b'), step(log, 'c'), log);

    chain.data.a.map = nullptr;
    chain.data.c.map = nullptr;
    EXPECT_EQ(poll(chain), FUTURE_STATE_COMPLETE);
    EXPECT_EQ(log, "ab>c");
    EXPECT_EQ(FUTURE_OUTPUT(&chain)->value, 0);
}

TEST(Chain, HasThePropertyOfItsFirstUnprocessedEntry)
{
    std::string log;
    chain_future chain = chain_of(async_step(log, 'a', 2), step(log, 'b', 2), async_step(log, 'c', 2), log);

    EXPECT_EQ(future_has_property(&chain, FUTURE_PROPERTY_ASYNC), 1);
    poll(chain);
    EXPECT_EQ(future_has_property(&chain, FUTURE_PROPERTY_ASYNC), 1);
    poll(chain);
    EXPECT_EQ(future_has_property(&chain, FUTURE_PROPERTY_ASYNC), 0);
    poll(chain);
    EXPECT_EQ(future_has_property(&chain, FUTURE_PROPERTY_ASYNC), 1);
    EXPECT_EQ(poll(chain), FUTURE_STATE_COMPLETE);
    EXPECT_EQ(future_has_property(&chain, FUTURE_PROPERTY_ASYNC), -1);
}

TEST(Chain, BuildsALazyEntryToAskForItsProperty)
{
    std::string log;
    chain_future chain = chain_of(step(log, 'a'), step(log, 'b'), step(log, 'c'), log);

    FUTURE_CHAIN_ENTRY_LAZY_INIT(&chain.data.a, lazy_step, &name_a, map_to_step, to_b);
    EXPECT_EQ(future_has_property(&chain, FUTURE_PROPERTY_ASYNC), 1);
    EXPECT_EQ(log, "init");
    EXPECT_EQ(poll(chain), FUTURE_STATE_COMPLETE);
    EXPECT_EQ(log, "inita>b>c");
}

// The promise to wake is the first entry's, and it is over.
TEST(Chain, DoesNotPassOnTheNotifierUsedByAFinishedEntry)
{
    std::string log;
    step_future waking = step(log, 'a');
    future_notifier notifier{};

    waking.data.takes_waker = true;
    chain_future chain = chain_of(waking, step(log, 'b', 2), step(log, 'c'), log);
    EXPECT_EQ(future_poll(FUTURE_AS_RUNNABLE(&chain), &notifier), FUTURE_STATE_RUNNING);
    EXPECT_EQ(log, "a>b");
    EXPECT_EQ(notifier.notifier_used, FUTURE_NOTIFIER_NONE);
}

struct OuterData {
    FUTURE_CHAIN_ENTRY(chain_future, inner);
    FUTURE_CHAIN_ENTRY_LAST(step_future, last);
};

FUTURE(outer_future, OuterData, ChainOutput);

TEST(Chain, CanBeAnEntryOfAChain)
{
    std::string log;
    outer_future outer{};
    int one = 1;

    auto map_chain_to_step = [](future_context *lhs, future_context *rhs, void *) {
        auto *from = static_cast<ChainOutput *>(future_context_get_output(lhs));
        static_cast<StepData *>(future_context_get_data(rhs))->value = from->value;
    };
    FUTURE_CHAIN_ENTRY_INIT(&outer.data.inner, chain_of(step(log, 'a'), step(log, 'b'), step(log, 'c', 2), log),
                            map_chain_to_step, nullptr);
    FUTURE_CHAIN_ENTRY_INIT(&outer.data.last, step(log, 'd'), map_to_chain, &one);
    FUTURE_CHAIN_INIT(&outer);

    FUTURE_BUSY_POLL(&outer);
    EXPECT_EQ(log, "a>b>ccd");
    EXPECT_EQ(FUTURE_OUTPUT(&outer)->value, 31);
}

} // namespace
