// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// The C API as the commands use it: handles that close themselves, and failures that are thrown.
#pragma once

#include "failure.hpp"

#include <libpmemstream.h>

#include <cerrno>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace tool {

struct StreamDeleter {
    void operator()(pmemstream *stream) const { pmemstream_delete(&stream); }
};
using Stream = std::unique_ptr<pmemstream, StreamDeleter>;

using Durability = std::optional<pmemstream_durability>;

Stream create_stream(const std::string &path, std::uint64_t size, std::uint64_t block_size, Durability durability);
Stream open_to_write(const std::string &path, Durability durability);
Stream open_to_read(const std::string &path, bool check_data);

pmemstream_info get_info(const std::string &path, pmemstream *stream);

using Regions = std::vector<pmemstream_region>;

// The live regions in the order of their allocation: a region's number is its index here.
Regions list_regions(const std::string &path, pmemstream *stream);

// The number of the region at `offset`; none if it is not in the list, as one with a damaged header is not.
std::optional<std::uint64_t> region_number(const Regions &regions, std::uint64_t offset);

// Checks that there is a region of that number.
void require_region(const std::string &path, const Regions &regions, std::uint64_t number);

// What an entry of `size` bytes takes of its region.
constexpr std::uint64_t space_of_entry(std::uint64_t size)
{
    return 16 + (size + 7) / 8 * 8;
}

// Calls `visit` for each whole entry of the region, and gives how many damages it met between them.
template <typename Visit>
std::uint64_t visit_entries(const std::string &path, pmemstream *stream, pmemstream_region region, Visit visit)
{
    struct Deleter {
        void operator()(pmemstream_entry_iterator *iterator) const { pmemstream_entry_iterator_delete(&iterator); }
    };

    pmemstream_entry_iterator *created = nullptr;
    if (pmemstream_entry_iterator_new(&created, stream, region) != 0)
        throw library_failure(path);
    const std::unique_ptr<pmemstream_entry_iterator, Deleter> iterator(created);

    std::uint64_t damages = 0;
    pmemstream_entry_iterator_seek_first(iterator.get());
    for (;;) {
        if (pmemstream_entry_iterator_is_valid(iterator.get()) == 0) {
            visit(pmemstream_entry_iterator_get(iterator.get()));
            pmemstream_entry_iterator_next(iterator.get());
            continue;
        }
        if (errno != EUCLEAN)
            return damages;
        ++damages;
        if (pmemstream_entry_iterator_skip_damage(iterator.get()) != 0)
            throw library_failure(path);
    }
}

struct Damage {
    std::uint64_t offset;
    std::uint64_t size;
    std::uint64_t region_offset; // PMEMSTREAM_INVALID_OFFSET: not in a region
    std::uint64_t timestamp;     // 0: unknown
    std::string what;
};

struct Verification {
    pmemstream_verify_result result;
    std::vector<Damage> damages;
};

Verification verify_stream(const std::string &path, pmemstream *stream);

// A damage told in one line, without the file's name.
std::string describe(const Damage &damage, const Regions &regions);

// What an acknowledged entry lies on, and what it survives there, for the end of a sentence.
std::string describe(const pmemstream_info &info);
const char *describe(pmemstream_medium medium);
const char *describe(pmemstream_durability durability);

// A word for it, for JSON.
const char *name(pmemstream_medium medium);
const char *name(pmemstream_durability durability);

} // namespace tool
