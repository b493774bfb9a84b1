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
    // The same while it is on an entry, and the region's own word tells whether that life goes on; else its complement,
    // which is no other life's: generations have 48 bits, unless an image was forged, and then none begins.
    std::uint64_t on_entry;
    State state;
    std::uint64_t offset;
    std::uint64_t next; // behind the entry
    Stream::Known known;

    bool alive() const { return stream->lives(*region, generation); }
    // What most calls begin and end with: false where it does not tell.
    bool surely_on_entry() const { return region->generation() == on_entry; }
    void enter(State entered)
    {
        state = entered;
        on_entry = state == State::entry && !stream->options().read_only ? generation : ~generation;
    }

    // Goes from `offset` to the first entry, damage or the end.
    [[gnu::noinline]] void settle()
    {
        for (;;) {
            const Stream::Place place = stream->look(*region, offset, next, known);
            if (place == Stream::Place::skip) {
                offset = next;
                continue;
            }
            enter(place == Stream::Place::entry ? State::entry
                  : place == Stream::Place::end ? State::end
                                                : State::damaged);
            return;
        }
    }

    // Goes on from an entry.
    [[gnu::always_inline]] void go_on()
    {
        offset = next;
        // Nearly always another entry follows, and nothing else is called.
        if (!stream->is_known_entry(offset, next, known)) [[unlikely]]
            settle();
    }
    [[gnu::noinline]] void go_on_if_on_entry()
    {
        if (state == State::entry && alive())
            go_on();
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

// What f gives of the entry, or `otherwise` with errno set.
template <typename T, typename F>
T of_entry(pmemstream *stream, pmemstream_entry entry, T otherwise, F f) noexcept
{
    Stream::EntryView view{};
    const Error error = stream == nullptr ? Error::null_stream : unwrap(stream)->entry(entry.offset, view);
    if (failed(error)) [[unlikely]] {
        fail(error);
        return otherwise;
    }
    return f(view);
}

[[gnu::noinline]] int check(pmemstream_entry_iterator *iterator)
{
    return call([&] { return iterator == nullptr ? Error::null_iterator : iterator->check(); });
}

[[gnu::noinline]] std::uint64_t checked_offset(pmemstream_entry_iterator *iterator)
{
    return check(iterator) == 0 ? iterator->offset : PMEMSTREAM_INVALID_OFFSET;
}

} // namespace

extern "C" {

const void *pmemstream_entry_data(struct pmemstream *stream, struct pmemstream_entry entry)
{
    return of_entry(stream, entry, static_cast<const void *>(nullptr), [&](const Stream::EntryView &view) {
        return static_cast<const void *>(unwrap(stream)->medium().at(view.data_offset));
    });
}

size_t pmemstream_entry_size(struct pmemstream *stream, struct pmemstream_entry entry)
{
    return of_entry(stream, entry, size_t{0}, [](const Stream::EntryView &view) { return view.size; });
}

uint64_t pmemstream_entry_timestamp(struct pmemstream *stream, struct pmemstream_entry entry)
{
    return of_entry(stream, entry, uint64_t{PMEMSTREAM_INVALID_TIMESTAMP},
                    [](const Stream::EntryView &view) { return view.timestamp; });
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
        *iterator = new pmemstream_entry_iterator{.stream = unwrap(stream),
                                                  .region = found,
                                                  .generation = generation,
                                                  .on_entry = ~generation,
                                                  .state = pmemstream_entry_iterator::State::unsought,
                                                  .offset = found->data_begin(),
                                                  .next = 0,
                                                  .known = {}};
        return Error::none;
    });
}

int pmemstream_entry_iterator_is_valid(struct pmemstream_entry_iterator *iterator)
{
    if (iterator != nullptr && iterator->surely_on_entry()) [[likely]]
        return 0;
    return check(iterator);
}

void pmemstream_entry_iterator_seek_first(struct pmemstream_entry_iterator *iterator)
{
    if (iterator == nullptr || !iterator->alive())
        return;
    iterator->offset = iterator->region->data_begin();
    iterator->settle();
    if (iterator->state == pmemstream_entry_iterator::State::end)
        iterator->enter(pmemstream_entry_iterator::State::unsought);
}

void pmemstream_entry_iterator_next(struct pmemstream_entry_iterator *iterator)
{
    if (iterator == nullptr)
        return;
    if (iterator->surely_on_entry()) [[likely]]
        iterator->go_on();
    else
        iterator->go_on_if_on_entry();
}

struct pmemstream_entry pmemstream_entry_iterator_get(struct pmemstream_entry_iterator *iterator)
{
    if (iterator != nullptr && iterator->surely_on_entry()) [[likely]]
        return {iterator->offset};
    return {checked_offset(iterator)};
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
            iterator->enter(pmemstream_entry_iterator::State::unsought);
        else
            iterator->settle();
        return Error::none;
    });
}

} // extern "C"
