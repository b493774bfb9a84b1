// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

#include "commands.hpp"
#include "output.hpp"
#include "stream.hpp"

#include <algorithm>

namespace tool {
namespace {

struct Found {
    std::uint64_t timestamp;
    pmemstream_entry entry;
};

// Names the damages that may have kept an entry from being printed: those in `wanted`, and those that lie in no region
// of the stream's list. Gives their number.
std::uint64_t name_damages(const std::string &path, pmemstream *stream, const Regions &regions, const Regions &wanted)
{
    std::uint64_t named = 0;
    for (const Damage &damage : verify_stream(path, stream).damages) {
        if (region_number(regions, damage.region_offset) && !region_number(wanted, damage.region_offset))
            continue;
        complain(path + ": " + describe(damage, regions));
        ++named;
    }
    return named;
}

} // namespace

int cat(const CatOptions &options)
{
    const Stream stream = open_to_read(options.path, true);
    const Regions regions = list_regions(options.path, stream.get());
    Regions wanted = regions;
    if (options.region) {
        require_region(options.path, regions, *options.region);
        wanted = {regions[*options.region]};
    }

    // Within a region the order of the entries need not be that of their timestamps, so all of them are sorted.
    std::vector<Found> entries;
    std::uint64_t unreadable = 0;
    for (const pmemstream_region region : wanted) {
        unreadable += visit_entries(options.path, stream.get(), region, [&](pmemstream_entry entry) {
            const std::uint64_t timestamp = pmemstream_entry_timestamp(stream.get(), entry);
            if (timestamp >= options.from_timestamp)
                entries.push_back({timestamp, entry});
        });
    }
    std::sort(entries.begin(), entries.end(),
              [](const Found &left, const Found &right) { return left.timestamp < right.timestamp; });

    Output output;
    for (const Found &found : entries) {
        const void *data = pmemstream_entry_data(stream.get(), found.entry);
        if (data == nullptr)
            throw library_failure(options.path);
        output.write({static_cast<const char *>(data), pmemstream_entry_size(stream.get(), found.entry)});
        output.write("\n");
        if (!output.open())
            break;
    }
    output.flush();

    if (unreadable == 0 && get_info(options.path, stream.get()).damage_count == 0)
        return exit_fine;
    const std::uint64_t named = name_damages(options.path, stream.get(), regions, wanted);
    return unreadable + named > 0 ? exit_damage : exit_fine;
}

} // namespace tool
