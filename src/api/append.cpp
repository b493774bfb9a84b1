// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// Appending, reserving, publishing, and the waits.

#include "api/api.hpp"

using namespace pms;
using namespace pms::api;

namespace {

template <Stage stage>
future_state wait_task(future_context *context, future_notifier *notifier)
{
    auto *data = static_cast<pmemstream_async_wait_data *>(future_context_get_data(context));
    auto *output = static_cast<pmemstream_async_wait_output *>(future_context_get_output(context));
    Stream &stream = *unwrap(data->stream);
    if (context->state == FUTURE_STATE_IDLE)
        data->first_timestamp = stream.persisted() + 1;
    bool running = false;
    const int result = call([&] { return stream.poll(stage, data->timestamp, data, notifier, running); });
    data->processing_timestamp = stream.committed();
    data->last_timestamp = data->timestamp;
    if (running)
        return FUTURE_STATE_RUNNING;
    output->error_code = result;
    return FUTURE_STATE_COMPLETE;
}

pmemstream_async_wait_fut make_wait(pmemstream *stream, std::uint64_t timestamp, future_task_fn task)
{
    pmemstream_async_wait_fut future = {};
    future.data.stream = stream;
    future.data.timestamp = timestamp;
    if (stream == nullptr) {
        future.output.error_code = api::fail(Error::null_stream);
        FUTURE_INIT_COMPLETE(&future);
    } else {
        FUTURE_INIT(&future, task);
    }
    return future;
}

} // namespace

extern "C" {

int pmemstream_reserve(struct pmemstream *stream, struct pmemstream_region region,
                       struct pmemstream_region_runtime *region_runtime, size_t size,
                       struct pmemstream_entry *reserved_entry, void **data)
{
    return call([&] {
        if (stream == nullptr)
            return Error::null_stream;
        if (reserved_entry == nullptr || data == nullptr)
            return Error::null_out;
        return unwrap(stream)->reserve(region.offset, unwrap(region_runtime), size, reserved_entry->offset, *data);
    });
}

int pmemstream_publish(struct pmemstream *stream, struct pmemstream_region region,
                       struct pmemstream_region_runtime *region_runtime, struct pmemstream_entry entry, size_t size)
{
    return call([&] {
        if (stream == nullptr)
            return Error::null_stream;
        return unwrap(stream)->publish(region.offset, unwrap(region_runtime), entry.offset, size, true);
    });
}

int pmemstream_async_publish(struct pmemstream *stream, struct pmemstream_region region,
                             struct pmemstream_region_runtime *region_runtime, struct pmemstream_entry entry,
                             size_t size)
{
    return call([&] {
        if (stream == nullptr)
            return Error::null_stream;
        return unwrap(stream)->publish(region.offset, unwrap(region_runtime), entry.offset, size, false);
    });
}

int pmemstream_abort(struct pmemstream *stream, struct pmemstream_region region,
                     struct pmemstream_region_runtime *region_runtime, struct pmemstream_entry entry)
{
    return call([&] {
        if (stream == nullptr)
            return Error::null_stream;
        return unwrap(stream)->abort(region.offset, unwrap(region_runtime), entry.offset);
    });
}

int pmemstream_append(struct pmemstream *stream, struct pmemstream_region region,
                      struct pmemstream_region_runtime *region_runtime, const void *data, size_t size,
                      struct pmemstream_entry *new_entry)
{
    static_assert(sizeof *new_entry == sizeof new_entry->offset);
    if (stream == nullptr)
        return api::fail(Error::null_stream);
    return api::result(unwrap(stream)->append(region.offset, unwrap(region_runtime), data, size,
                                              reinterpret_cast<std::uint64_t *>(new_entry)));
}

int pmemstream_async_append(struct pmemstream *stream, struct vdm *vdm, struct pmemstream_region region,
                            struct pmemstream_region_runtime *region_runtime, const void *data, size_t size,
                            struct pmemstream_entry *new_entry)
{
    if (stream == nullptr)
        return api::fail(Error::null_stream);
    return api::result(unwrap(stream)->async_append(region.offset, unwrap(region_runtime), vdm, data, size,
                                                    reinterpret_cast<std::uint64_t *>(new_entry)));
}

uint64_t pmemstream_committed_timestamp(struct pmemstream *stream)
{
    if (stream != nullptr)
        return unwrap(stream)->committed_now();
    static_cast<void>(api::fail(Error::null_stream));
    return PMEMSTREAM_INVALID_TIMESTAMP;
}

uint64_t pmemstream_persisted_timestamp(struct pmemstream *stream)
{
    if (stream != nullptr)
        return unwrap(stream)->persisted_now();
    static_cast<void>(api::fail(Error::null_stream));
    return PMEMSTREAM_INVALID_TIMESTAMP;
}

struct pmemstream_async_wait_fut pmemstream_async_wait_committed(struct pmemstream *stream, uint64_t timestamp)
{
    return make_wait(stream, timestamp, wait_task<Stage::committed>);
}

struct pmemstream_async_wait_fut pmemstream_async_wait_persisted(struct pmemstream *stream, uint64_t timestamp)
{
    return make_wait(stream, timestamp, wait_task<Stage::persisted>);
}

} // extern "C"
