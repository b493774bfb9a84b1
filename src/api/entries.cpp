// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// Entries, and the iterator over a region's entries.

#include "api/api.hpp"

using namespace pms;
using namespace pms::api;

struct pmemstream_entry_iterator {
    enum class State : std::uint8_t {
        unsought, // or it sought an empty region
        entry,    // on the entry at `offset`
        end,      // behind the last entry, at `offset`
        damaged,  // on damage at `offset`
    };

    Stream *stream;
    Region *region;
    std::uint64_t generation; // of the region's life that it belongs to
    State state;
    std::uint64_t offset;
    std::uint64_t next; // behind the entry

    bool alive() const { return stream->lives(*region, generation); }

    // Goes from `offset` to the first entry, damage or the end.
    void settle()
    {
        for (;;) {
            const Stream::Place place = stream->look(*region, offset, next);
            if (place == Stream::Place::skip) {
                offset = next;
                continue;
            }
            state = place == Stream::Place::entry ? State::entry
                    : place == Stream::Place::end ? State::end
                                                  : State::damaged;
            return;
        }
    }

    Error check()
    {
        if (!alive())
            return Error::no_region;
        // Something may have been committed since it came to the end.
        if (state == State::end) {
            settle();
            if (!alive())
                return Error::no_region;
        }
        // What looks damaged may have been freed, and used again, since.
        if (state == State::damaged)
            return alive() ? Error::entry_damaged : Error::no_region;
        return state == State::entry ? Error::none : Error::no_more_entries;
    }
};

namespace {

Error view_of(pmemstream *stream, pmemstream_entry entry, Stream::EntryView &view)
{
    return stream == nullptr ? Error::null_stream : unwrap(stream)->entry(entry.offset, view);
}

} // namespace

extern "C" {

const void *pmemstream_entry_data(struct pmemstream *stream, struct pmemstream_entry entry)
{
    return call_for(static_cast<const void *>(nullptr), [&](const void *&data) {
        Stream::EntryView view{};
        const Error error = view_of(stream, entry, view);
        if (!failed(error))
            data = unwrap(stream)->medium().at(view.data_offset);
        return error;
    });
}

size_t pmemstream_entry_size(struct pmemstream *stream, struct pmemstream_entry entry)
{
    return call_for(size_t{0}, [&](size_t &size) {
        Stream::EntryView view{};
        const Error error = view_of(stream, entry, view);
        size = view.size;
        return error;
    });
}

uint64_t pmemstream_entry_timestamp(struct pmemstream *stream, struct pmemstream_entry entry)
{
    return call_for(uint64_t{PMEMSTREAM_INVALID_TIMESTAMP}, [&](uint64_t &timestamp) {
        Stream::EntryView view{};
        const Error error = view_of(stream, entry, view);
        timestamp = view.timestamp;
        return error;
    });
}

int pmemstream_entry_iterator_new(struct pmemstream_entry_iterator **iterator, struct pmemstream *stream,
                                  struct pmemstream_region region)
{
    return call([&] {
        if (iterator == nullptr)
            return Error::null_out;
        if (stream == nullptr)
            return Error::null_stream;
        Region *found = unwrap(stream)->find_region(region.offset);
        const std::uint64_t generation = found == nullptr ? 0 : found->generation();
        if (generation == 0)
            return Error::no_region;
        *iterator = new pmemstream_entry_iterator{
            unwrap(stream), found, generation, pmemstream_entry_iterator::State::unsought, found->data_begin(), 0};
        return Error::none;
    });
}

int pmemstream_entry_iterator_is_valid(struct pmemstream_entry_iterator *iterator)
{
    if (iterator != nullptr && iterator->state == pmemstream_entry_iterator::State::entry && iterator->alive())
        return 0;
    return call([&] { return iterator == nullptr ? Error::null_iterator : iterator->check(); });
}

void pmemstream_entry_iterator_seek_first(struct pmemstream_entry_iterator *iterator)
{
    if (iterator == nullptr || !iterator->alive())
        return;
    iterator->offset = iterator->region->data_begin();
    iterator->settle();
    if (iterator->state == pmemstream_entry_iterator::State::end)
        iterator->state = pmemstream_entry_iterator::State::unsought;
}

[[gnu::flatten]] void pmemstream_entry_iterator_next(struct pmemstream_entry_iterator *iterator)
{
    if (iterator == nullptr || !iterator->alive() || iterator->state != pmemstream_entry_iterator::State::entry)
        return;
    iterator->offset = iterator->next;
    iterator->settle();
}

struct pmemstream_entry pmemstream_entry_iterator_get(struct pmemstream_entry_iterator *iterator)
{
    const bool valid =
        iterator != nullptr && iterator->state == pmemstream_entry_iterator::State::entry && iterator->alive();
    if (!valid && pmemstream_entry_iterator_is_valid(iterator) != 0)
        return {PMEMSTREAM_INVALID_OFFSET};
    return {iterator->offset};
}

void pmemstream_entry_iterator_delete(struct pmemstream_entry_iterator **iterator)
{
    if (iterator == nullptr)
        return;
    delete *iterator;
    *iterator = nullptr;
}

int pmemstream_entry_iterator_skip_damage(struct pmemstream_entry_iterator *iterator)
{
    return call([&] {
        if (iterator == nullptr)
            return Error::null_iterator;
        if (!iterator->alive() || iterator->state != pmemstream_entry_iterator::State::damaged)
            return Error::not_at_damage;
        iterator->offset = iterator->stream->behind_damage(*iterator->region, iterator->offset);
        // A region whose header is damaged has nothing behind it, and stays at its end.
        if (iterator->region->damaged())
            iterator->state = pmemstream_entry_iterator::State::unsought;
        else
            iterator->settle();
        return Error::none;
    });
}

} // extern "C"
