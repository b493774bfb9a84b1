// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

#include "base/error.hpp"

#include <cerrno>

namespace pms {
namespace {

struct Text {
    int number;
    const char *sentence;
};

// A switch without default, so that the compiler names an error that lacks its sentence.
Text text(Error error) noexcept
{
    switch (error) {
    case Error::none:
        return {0, ""};
    case Error::null_stream:
        return {EINVAL, "the stream is NULL"};
    case Error::null_out:
        return {EINVAL, "a pointer that the result goes to is NULL"};
    case Error::null_data:
        return {EINVAL, "data is NULL although the entry's size is not 0"};
    case Error::null_iterator:
        return {EINVAL, "the iterator is NULL"};
    case Error::null_path:
        return {EINVAL, "the path is NULL"};
    case Error::null_map:
        return {EINVAL, "the map is NULL"};
    case Error::bad_block_size:
        return {EINVAL, "the block size is not a power of two and a multiple of 64"};
    case Error::other_block_size:
        return {EINVAL, "the stream was made with another block size"};
    case Error::bad_options:
        return {EINVAL, "the options hold a value this library does not know"};
    case Error::bad_info_size:
        return {EINVAL, "the size of the structure to fill is 0"};
    case Error::size_zero:
        return {EINVAL, "a region of size 0 holds nothing"};
    case Error::map_too_small:
        return {ENOSPC, "the map is too small for the stream's metadata and one region"};
    case Error::map_too_large:
        return {EFBIG, "the map is larger than the format can address"};
    case Error::cannot_shrink:
        return {EINVAL, "a stream can be made larger, not smaller"};
    case Error::cannot_grow:
        return {ENOTSUP, "only a stream that was opened by its path can grow"};
    case Error::no_room_to_grow:
        return {ENOMEM,
                "no address space was reserved for so much: a stream that is opened again can grow as much again"};
    case Error::not_a_stream:
        return {EMEDIUMTYPE, "this is not a stream, and not empty either: left untouched"};
    case Error::empty_file:
        return {EMEDIUMTYPE, "the file is empty: there is no stream in it"};
    case Error::newer_format:
        return {ENOTSUP, "the stream has a format version this library does not know"};
    case Error::unknown_feature:
        return {ENOTSUP, "the stream uses a feature this library does not know"};
    case Error::other_endianness:
        return {ENOTSUP, "the stream was made on a machine of the other byte order"};
    case Error::file_truncated:
        return {ENODATA, "the file is shorter than the stream in it: its end was cut off"};
    case Error::file_grown:
        return {EFBIG, "the file is longer than the stream in it"};
    case Error::superblock_damaged:
        return {EUCLEAN, "both superblocks are damaged"};
    case Error::metadata_damaged:
        return {EUCLEAN, "the stream's metadata is damaged: open it for reading only, and verify it"};
    case Error::stream_too_full:
        return {ENOSPC, "no free space of that size is left in the stream"};
    case Error::no_region:
        return {ENOENT, "there is no region at that offset, or not any more"};
    case Error::foreign_runtime:
        return {EINVAL, "the region runtime is not the one of that region"};
    case Error::region_full:
        return {ENOSPC, "the region has too little space left for the entry"};
    case Error::no_entry:
        return {ENOENT, "there is no entry at that offset"};
    case Error::entry_damaged:
        return {EUCLEAN, "the entry is damaged"};
    case Error::no_more_entries:
        return {ENOENT, "the iterator stands on nothing"};
    case Error::no_reservation:
        return {ENOENT, "there is no open reservation at that offset"};
    case Error::publish_too_large:
        return {EINVAL, "more is published than was reserved, and something lies behind the reservation"};
    case Error::timestamps_exhausted:
        return {EOVERFLOW, "the stream's timestamps are used up"};
    case Error::generations_exhausted:
        return {EOVERFLOW, "the stream's generations of regions are used up"};
    case Error::read_only:
        return {EROFS, "the stream is open for reading only"};
    case Error::medium_failed:
        return {EIO, "the medium failed: the stream accepts nothing any more; reopen it to see what survived"};
    case Error::out_of_memory:
        return {ENOMEM, "there is no memory left"};
    case Error::busy:
        return {EBUSY, "another writer has the stream open"};
    case Error::not_at_damage:
        return {EINVAL, "the iterator does not stand at damage"};
    case Error::no_such_index:
        return {ENOENT, "the index is larger than the last one"};
    case Error::cancelled:
        return {ECANCELED, "the callback ended the verification"};
    case Error::not_a_regular_file:
        return {EINVAL, "the path is neither a regular file nor a DAX device"};
    case Error::unfinished_creation:
        return {EMEDIUMTYPE, "the creation of the stream was cut short: open it for writing to finish it"};
    case Error::system:
        break;
    }
    return {0, "the operating system refused; errno tells why"};
}

} // namespace

int error_number(Error error) noexcept
{
    return text(error).number;
}

const char *error_sentence(Error error) noexcept
{
    return text(error).sentence;
}

} // namespace pms
