// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

#include "commands.hpp"
#include "json.hpp"
#include "output.hpp"
#include "stream.hpp"

namespace tool {
namespace {

struct RegionSummary {
    std::uint64_t offset;
    pmemstream_region_info info;
    std::uint64_t entries;
    std::uint64_t damages;
};

struct Summary {
    pmemstream_info info;
    std::vector<RegionSummary> regions;
    std::vector<pmemstream_dropped_entry> dropped;
};

Summary summarize(const std::string &path, pmemstream *stream)
{
    Summary summary{get_info(path, stream), {}, {}};

    for (const pmemstream_region region : list_regions(path, stream)) {
        RegionSummary found{region.offset, {}, 0, 0};
        if (pmemstream_get_region_info(stream, region, &found.info, sizeof(found.info)) != 0)
            throw library_failure(path);
        found.damages = visit_entries(path, stream, region, [&](pmemstream_entry) { ++found.entries; });
        summary.regions.push_back(found);
    }

    for (std::uint64_t n = 0; n < summary.info.dropped_entries; ++n) {
        pmemstream_dropped_entry dropped{};
        if (pmemstream_get_dropped_entry(stream, n, &dropped) != 0)
            throw library_failure(path);
        summary.dropped.push_back(dropped);
    }
    return summary;
}

bool damaged(const Summary &summary)
{
    bool found = summary.info.damage_count > 0;
    for (const RegionSummary &region : summary.regions)
        found = found || region.damages > 0;
    return found;
}

std::string uuid_text(const unsigned char (&uuid)[16])
{
    std::string text;
    for (std::size_t n = 0; n < sizeof(uuid); ++n)
        text += fmt::format("{}{:02x}", n == 4 || n == 6 || n == 8 || n == 10 ? "-" : "", uuid[n]);
    return text;
}

// An offset that may be none.
std::string offset_text(std::uint64_t offset)
{
    return offset == PMEMSTREAM_INVALID_OFFSET ? "none" : std::to_string(offset);
}

void print_text(Output &output, const std::string &path, const Summary &summary)
{
    const pmemstream_info &info = summary.info;
    output.print("file                 {}\n", path);
    output.print("uuid                 {}\n", uuid_text(info.uuid));
    output.print("format version       {}\n", info.format_version);
    output.print("medium               {}\n", describe(info.medium));
    output.print("durability           {}\n", describe(info.durability));
    output.print("closed cleanly       {}\n", info.was_clean ? "yes" : "no, or open in a writer");
    output.print("size                 {} bytes\n", info.size);
    output.print("block size           {} bytes\n", info.block_size);
    output.print("metadata             {} bytes\n", info.metadata_size);
    output.print("free                 {} bytes\n", info.free_size);
    output.print("largest new region   {} bytes\n", info.largest_free_size);
    output.print("committed timestamp  {}\n", info.committed_timestamp);
    output.print("persisted timestamp  {}\n", info.persisted_timestamp);
    output.print("recovered entries    {}\n", info.recovered_entries);
    output.print("dropped entries      {}\n", info.dropped_entries);
    output.print("damages at opening   {}\n", info.damage_count);
    output.print("regions              {}\n", info.region_count);

    for (std::size_t number = 0; number < summary.regions.size(); ++number) {
        const RegionSummary &region = summary.regions[number];
        output.print("\nregion {}\n", number);
        output.print("  offset             {}\n", region.offset);
        output.print("  generation         {}\n", region.info.generation);
        output.print("  size               {} bytes\n", region.info.size);
        output.print("  usable             {} bytes\n", region.info.usable_size);
        output.print("  entries            {}\n", region.entries);
        output.print("  damages met        {}\n", region.damages);
        output.print("  open reservations  {}\n", region.info.open_reservations);
        output.print("  data at            {}\n", region.info.data_offset);
        output.print("  end at             {}\n", region.info.end_offset);
        output.print("  limit at           {}\n", region.info.limit_offset);
        output.print("  checkpoint at      {}\n", offset_text(region.info.checkpoint_offset));
    }

    if (!summary.dropped.empty())
        output.print("\n");
    for (const pmemstream_dropped_entry &dropped : summary.dropped)
        output.print("dropped: timestamp {}, {} bytes, at offset {} in the region at offset {}\n", dropped.timestamp,
                     dropped.size, dropped.entry.offset, dropped.region.offset);
}

Json to_json(const std::string &path, const Summary &summary)
{
    const pmemstream_info &info = summary.info;
    Json json;
    json["file"] = path;
    json["uuid"] = uuid_text(info.uuid);
    json["format_version"] = info.format_version;
    json["medium"] = name(info.medium);
    json["durability"] = name(info.durability);
    json["read_only"] = info.read_only != 0;
    json["was_clean"] = info.was_clean != 0;
    json["size"] = info.size;
    json["block_size"] = info.block_size;
    json["metadata_size"] = info.metadata_size;
    json["region_count"] = info.region_count;
    json["free_size"] = info.free_size;
    json["largest_free_size"] = info.largest_free_size;
    json["committed_timestamp"] = info.committed_timestamp;
    json["persisted_timestamp"] = info.persisted_timestamp;
    json["recovered_entries"] = info.recovered_entries;
    json["dropped_entries"] = info.dropped_entries;
    json["damage_count"] = info.damage_count;

    json["regions"] = Json::array();
    for (std::size_t number = 0; number < summary.regions.size(); ++number) {
        const RegionSummary &region = summary.regions[number];
        json["regions"].push_back({{"number", number},
                                   {"offset", region.offset},
                                   {"generation", region.info.generation},
                                   {"size", region.info.size},
                                   {"usable_size", region.info.usable_size},
                                   {"entries", region.entries},
                                   {"damages", region.damages},
                                   {"open_reservations", region.info.open_reservations},
                                   {"data_offset", region.info.data_offset},
                                   {"end_offset", region.info.end_offset},
                                   {"limit_offset", region.info.limit_offset},
                                   {"checkpoint_offset", offset_json(region.info.checkpoint_offset)}});
    }

    json["dropped"] = Json::array();
    for (const pmemstream_dropped_entry &dropped : summary.dropped) {
        json["dropped"].push_back({{"timestamp", dropped.timestamp},
                                   {"size", dropped.size},
                                   {"offset", dropped.entry.offset},
                                   {"region_offset", dropped.region.offset}});
    }
    return json;
}

} // namespace

int info(const InfoOptions &options)
{
    const Stream stream = open_to_read(options.path, false);
    const Summary summary = summarize(options.path, stream.get());

    Output output;
    if (options.json)
        output.write(json_text(to_json(options.path, summary)));
    else
        print_text(output, options.path, summary);
    output.flush();

    if (!damaged(summary))
        return exit_fine;
    complain(options.path + ": the stream is damaged: `pmemstream verify` tells where");
    return exit_damage;
}

} // namespace tool
