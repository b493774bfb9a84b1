// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

#include "stream.hpp"

#include <fmt/format.h>

namespace tool {
namespace {

Stream open_stream(const std::string &path, const pmemstream_options &options)
{
    pmemstream *stream = nullptr;
    if (pmemstream_open(path.c_str(), &options, &stream) != 0)
        throw library_failure(path);
    return Stream(stream);
}

int collect_damage(const pmemstream_damage *damage, void *damages)
{
    static_cast<std::vector<Damage> *>(damages)->push_back(
        {damage->offset, damage->size, damage->region.offset, damage->timestamp, damage->what});
    return 0;
}

} // namespace

Stream create_stream(const std::string &path, std::uint64_t size, std::uint64_t block_size, Durability durability)
{
    pmemstream_options options = PMEMSTREAM_OPTIONS_INIT;
    options.size = size;
    options.block_size = block_size;
    options.durability = durability.value_or(PMEMSTREAM_DURABILITY_DEFAULT);

    pmemstream *stream = nullptr;
    if (pmemstream_create(path.c_str(), &options, &stream) != 0)
        throw library_failure(path);
    return Stream(stream);
}

Stream open_to_write(const std::string &path, Durability durability)
{
    pmemstream_options options = PMEMSTREAM_OPTIONS_INIT;
    options.durability = durability.value_or(PMEMSTREAM_DURABILITY_DEFAULT);
    return open_stream(path, options);
}

Stream open_to_read(const std::string &path, bool check_data)
{
    pmemstream_options options = PMEMSTREAM_OPTIONS_INIT;
    options.read_only = 1;
    options.check_data = check_data ? 1 : 0;
    return open_stream(path, options);
}

pmemstream_info get_info(const std::string &path, pmemstream *stream)
{
    pmemstream_info info{};
    if (pmemstream_get_info(stream, &info, sizeof(info)) != 0)
        throw library_failure(path);
    return info;
}

Regions list_regions(const std::string &path, pmemstream *stream)
{
    struct Deleter {
        void operator()(pmemstream_region_iterator *iterator) const { pmemstream_region_iterator_delete(&iterator); }
    };

    pmemstream_region_iterator *created = nullptr;
    if (pmemstream_region_iterator_new(&created, stream) != 0)
        throw library_failure(path);
    const std::unique_ptr<pmemstream_region_iterator, Deleter> iterator(created);

    Regions regions;
    pmemstream_region_iterator_seek_first(iterator.get());
    while (pmemstream_region_iterator_is_valid(iterator.get()) == 0) {
        regions.push_back(pmemstream_region_iterator_get(iterator.get()));
        pmemstream_region_iterator_next(iterator.get());
    }
    return regions;
}

std::optional<std::uint64_t> region_number(const Regions &regions, std::uint64_t offset)
{
    for (std::size_t number = 0; number < regions.size(); ++number) {
        if (regions[number].offset == offset)
            return number;
    }
    return std::nullopt;
}

void require_region(const std::string &path, const Regions &regions, std::uint64_t number)
{
    if (number >= regions.size())
        throw Failure(fmt::format("{}: there is no region {}: the stream has {}", path, number, regions.size()));
}

Verification verify_stream(const std::string &path, pmemstream *stream)
{
    Verification verification{};
    if (pmemstream_verify(stream, collect_damage, &verification.damages, &verification.result) != 0)
        throw library_failure(path);
    return verification;
}

std::string describe(const Damage &damage, const Regions &regions)
{
    std::string text = fmt::format("damage at offset {}, {} bytes", damage.offset, damage.size);
    if (damage.region_offset == PMEMSTREAM_INVALID_OFFSET)
        text += ", in no region";
    else if (const auto number = region_number(regions, damage.region_offset))
        text += fmt::format(", region {} at offset {}", *number, damage.region_offset);
    else
        text += fmt::format(", an unreadable region at offset {}", damage.region_offset);
    if (damage.timestamp != PMEMSTREAM_INVALID_TIMESTAMP)
        text += fmt::format(", timestamp {}", damage.timestamp);
    return text + ": " + damage.what;
}

std::string describe(const pmemstream_info &info)
{
    std::string text = describe(info.medium);
    if (info.durability == PMEMSTREAM_DURABILITY_PROCESS)
        text += std::string("; ") + describe(info.durability);
    return text;
}

const char *describe(pmemstream_durability durability)
{
    return durability == PMEMSTREAM_DURABILITY_PROCESS ? "entries survive the end of the process, not a power cut"
                                                       : "entries survive a power cut";
}

const char *name(pmemstream_durability durability)
{
    return durability == PMEMSTREAM_DURABILITY_PROCESS ? "process" : "sync";
}

const char *describe(pmemstream_medium medium)
{
    switch (medium) {
    case PMEMSTREAM_MEDIUM_BYTE:
        return "persistent memory (caches are power-fail safe)";
    case PMEMSTREAM_MEDIUM_CACHE_LINE:
        return "persistent memory (cache lines flushed and fenced)";
    case PMEMSTREAM_MEDIUM_PAGE:
        return "an ordinary file (pages synced to its device)";
    }
    return "an unknown medium";
}

const char *name(pmemstream_medium medium)
{
    switch (medium) {
    case PMEMSTREAM_MEDIUM_BYTE:
        return "byte";
    case PMEMSTREAM_MEDIUM_CACHE_LINE:
        return "cache_line";
    case PMEMSTREAM_MEDIUM_PAGE:
        return "page";
    }
    return "unknown";
}

} // namespace tool
