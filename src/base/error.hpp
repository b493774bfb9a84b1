// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// The library's error values. Each has an errno and a sentence; the C functions set the one and give the other through
// pmemstream_errormsg(). Fixed sentences keep the failing paths free of allocation.
#pragma once

#include <cstdint>

namespace pms {

enum class [[nodiscard]] Error : std::uint8_t{
    none,
    null_stream,
    null_out,
    null_data,
    null_iterator,
    null_path,
    null_map,
    bad_block_size,
    other_block_size,
    bad_options,
    bad_info_size,
    size_zero,
    map_too_small,
    map_too_large,
    cannot_shrink,
    cannot_grow,
    no_room_to_grow,
    not_a_stream,
    empty_file,
    newer_format,
    unknown_feature,
    other_endianness,
    file_truncated,
    file_grown,
    superblock_damaged,
    metadata_damaged,
    stream_too_full,
    no_region,
    foreign_runtime,
    region_full,
    no_entry,
    entry_damaged,
    no_more_entries,
    no_reservation,
    publish_too_large,
    timestamps_exhausted,
    generations_exhausted,
    read_only,
    medium_failed,
    out_of_memory,
    busy,
    not_at_damage,
    no_such_index,
    cancelled,
    not_a_regular_file,
    unfinished_creation,
    system, // errno was set by the operating system and stands
};

// The value of errno that goes with `error`.
int error_number(Error error) noexcept;

// A sentence for a person; a string literal.
const char *error_sentence(Error error) noexcept;

constexpr bool failed(Error error) noexcept
{
    return error != Error::none;
}

} // namespace pms
