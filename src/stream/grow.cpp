// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// Making a stream larger. What is added goes live with one store, of the stream's size, after everything it stands for
// is durable: the file's end, and the span that begins where the others end.

#include "stream/stream.hpp"

#include <algorithm>
#include <new>

namespace pms {

Error Stream::grow(std::uint64_t size, const std::function<Error(std::uint64_t before)> &extend)
{
    if (const Error error = writable(); failed(error))
        return error;
    const WakesFutures wakes(commit_);
    const std::lock_guard guard(tiling_mutex_);
    const std::uint64_t before = geometry().stream_size;
    if (size == before)
        return Error::none;
    if (size < before)
        return Error::cannot_shrink;
    format::Geometry grown;
    if (const Error error = format::plan(size, geometry().block_size, geometry().uuid, grown); failed(error))
        return error;

    // Memory first.
    const std::uint64_t end = geometry().spans_end();
    const FreeSpan added{end, grown.spans_end() - end};
    if (added.size != 0)
        free_spans_.add(added);
    const auto give_up = [&](Error error) {
        if (added.size != 0)
            free_spans_.remove(added);
        return error;
    };

    // A file that is longer than its stream would be refused, and it may be already, if an earlier growth was cut
    // short. So this is never less than the file's length, and stays where it is if the file cannot be extended.
    if (failed(write_growth(medium_, geometry(), std::max(size, medium_.size()))))
        return give_up(fail());
    try {
        if (const Error error = extend(before); failed(error))
            return give_up(error);
    } catch (const std::bad_alloc &) {
        return give_up(Error::out_of_memory);
    }
    if (failed(medium_.grown(size)))
        return give_up(fail());
    if (added.size != 0) {
        Flush flush(medium_);
        write_span(medium_, geometry(), added.offset, {format::SpanKind::free, added.size}, flush);
        if (failed(flush.wait()))
            return give_up(fail());
    }
    if (failed(write_stream_size(medium_, geometry(), size)))
        return give_up(fail());
    superblocks_.geometry.stream_size = size;
    return Error::none;
}

std::uint64_t Stream::size() const
{
    const std::lock_guard guard(tiling_mutex_);
    return geometry().stream_size;
}

} // namespace pms
