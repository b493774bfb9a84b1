// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

#include "commands.hpp"
#include "json.hpp"
#include "output.hpp"
#include "stream.hpp"

namespace tool {
namespace {

void print_text(Output &output, const std::string &path, const pmemstream_info &info, const Regions &regions,
                const Verification &verification)
{
    if (!info.was_clean)
        output.print(
            "{}: not closed cleanly, or open in a writer: {} entries behind the last checkpoints recovered, {} "
            "dropped\n",
            path, info.recovered_entries, info.dropped_entries);
    for (const Damage &damage : verification.damages)
        output.print("{}: {}\n", path, describe(damage, regions));

    const pmemstream_verify_result &result = verification.result;
    if (result.damages == 0)
        output.print("{}: no damage; {} entries, {} bytes in them\n", path, result.entries, result.bytes);
    else
        output.print("{}: {} {}; {} whole entries, {} bytes in them\n", path, result.damages,
                     result.damages == 1 ? "damage" : "damages", result.entries, result.bytes);
}

Json to_json(const std::string &path, const pmemstream_info &info, const Regions &regions,
             const Verification &verification)
{
    Json json;
    json["file"] = path;
    json["was_clean"] = info.was_clean != 0;
    json["recovered_entries"] = info.recovered_entries;
    json["dropped_entries"] = info.dropped_entries;
    json["entries"] = verification.result.entries;
    json["bytes"] = verification.result.bytes;

    json["damages"] = Json::array();
    for (const Damage &damage : verification.damages) {
        const auto number = region_number(regions, damage.region_offset);
        json["damages"].push_back(
            {{"offset", damage.offset},
             {"size", damage.size},
             {"region", number ? Json(*number) : Json(nullptr)},
             {"region_offset", offset_json(damage.region_offset)},
             {"timestamp", damage.timestamp != PMEMSTREAM_INVALID_TIMESTAMP ? Json(damage.timestamp) : Json(nullptr)},
             {"what", damage.what}});
    }
    return json;
}

} // namespace

int verify(const VerifyOptions &options)
{
    const Stream stream = open_to_read(options.path, false);
    const pmemstream_info info = get_info(options.path, stream.get());
    const Regions regions = list_regions(options.path, stream.get());
    const Verification verification = verify_stream(options.path, stream.get());

    Output output;
    if (options.json)
        output.write(json_text(to_json(options.path, info, regions, verification)));
    else
        print_text(output, options.path, info, regions, verification);
    output.flush();
    return verification.result.damages == 0 ? exit_fine : exit_damage;
}

} // namespace tool
