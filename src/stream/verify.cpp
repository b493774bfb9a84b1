// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// Verifying: every checksum of the stream, damage by damage.

#include "stream/stream.hpp"

#include "region/scan.hpp"

namespace pms {
namespace {

struct Cancelled {};

// Calls the caller's function for each damage.
class Reporter {
public:
    Reporter(const std::function<bool(const Damage &)> &report, Stream::Verified &verified)
        : report_(report), verified_(verified)
    {}

    void operator()(const Damage &damage)
    {
        ++verified_.damages;
        if (report_ && !report_(damage))
            throw Cancelled{};
    }

private:
    const std::function<bool(const Damage &)> &report_;
    Stream::Verified &verified_;
};

} // namespace

Error Stream::verify(const std::function<bool(const Damage &)> &report, Verified &verified) const
{
    Reporter reporter(report, verified);
    try {
        std::vector<Damage> metadata;
        {
            const std::lock_guard guard(tiling_mutex_);
            each_consistent_look(medium_, geometry(), [&] {
                metadata.clear();
                find_metadata_damage(medium_, superblocks_, metadata);
                return metadata.empty();
            });
        }
        for (const Damage &damage : metadata)
            reporter(damage);
        for (auto living = regions_.after(0); living.region != nullptr; living = regions_.after(living.generation)) {
            settle(*living.region);
            std::vector<Damage> damages;
            Verified found;
            verify_region(*living.region, damages, found);
            // What was read of a region that was freed meanwhile tells nothing.
            if (!lives(*living.region, living.generation))
                continue;
            verified.entries += found.entries;
            verified.bytes += found.bytes;
            for (const Damage &damage : damages)
                reporter(damage);
        }
    } catch (const Cancelled &) {
        return Error::cancelled;
    }
    return Error::none;
}

void Stream::verify_region(const Region &region, std::vector<Damage> &damages, Verified &verified) const
{
    if (region.damaged())
        return; // its header was reported; nothing in it can be checked
    const std::uint64_t seed = region.seed();
    const std::uint64_t end = region.visible_end();
    const std::uint64_t last = committed();
    const std::uint64_t region_offset = region.offset();
    const auto whole = [&](std::uint64_t offset) {
        auto record = find_record(medium_, seed, offset, end);
        return record && record->timestamp <= last ? record : std::nullopt;
    };

    std::uint64_t offset = region.data_begin();
    for (std::uint64_t next = 0; offset < end; offset = next) {
        const Place place = look_at_header(region, offset, region.visible_end(), next);
        if (place == Place::skip)
            continue;
        if (const auto record = whole(offset)) {
            ++verified.entries;
            verified.bytes += record->size;
            continue;
        }
        // Where the header can be believed (something whole follows at the place it tells), it is the data that is
        // damaged.
        const bool header_holds = place == Place::entry && (next == end || whole(next));
        std::uint64_t timestamp = 0;
        if (place == Place::entry)
            timestamp = format::decode({medium_.load(offset), medium_.load(offset + 8)}).timestamp;
        if (!header_holds)
            next = behind_damage(region, offset);
        damages.push_back({offset, next - offset, region_offset, timestamp,
                           header_holds ? "an entry's data or header does not match its checksum"
                                        : "there is no whole entry where one should be"});
    }
}

} // namespace pms
