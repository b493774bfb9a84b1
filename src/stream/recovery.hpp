// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// Opening: what is in the medium, and what has to be done about it. plan_recovery() only reads; apply_recovery()
// writes, and only what the plan says, so that nothing is written before everything was validated.
// docs/crash_consistency.md tells why a crash anywhere in between, and recovering again, gives the same result.
#pragma once

#include "base/error.hpp"
#include "format/superblock.hpp"
#include "medium/flush.hpp"
#include "medium/medium.hpp"
#include "region/region.hpp"
#include "region/scan.hpp"
#include "region/span_walk.hpp"

#include <cstdint>
#include <functional>
#include <vector>

namespace pms {

struct Damage {
    std::uint64_t offset;
    std::uint64_t size;
    std::uint64_t region; // UINT64_MAX: in none
    std::uint64_t timestamp;
    const char *what;
};

struct Dropped {
    std::uint64_t region;
    FoundRecord record;
};

struct RecoveredRegion {
    RegionReading reading;
    std::uint64_t tail = 0;        // where the next record goes
    std::uint64_t last_record = 0; // the last one before it; 0: none
    std::uint64_t kept_from = 0;   // [kept_from, tail) has to be made durable
    std::vector<Gap>
        fillers; // what becomes a filler: holes, and records behind the end of the log with accepted ones behind them
    std::vector<Gap> standing_fillers; // in front of accepted records; a writer may turn one into an entry later
    std::vector<std::uint64_t>
        erased; // headers of dropped records in a damaged range, whose bytes else stay as they are
};

struct RecoveryPlan {
    bool was_clean = false;
    bool metadata_damaged = false; // what is left can be read, but must not be written
    bool overtaken = false;        // by a writer: what was read does not fit together
    bool growth_holds = true;      // the word that tells how long the file may be
    std::uint64_t persisted = 0;   // the last timestamp of the log
    std::uint64_t next_generation = 1;
    std::vector<RecoveredRegion> regions; // by generation
    std::vector<FreeSpan> free_spans;
    std::vector<Damage> damages;
    std::vector<Dropped> dropped; // by timestamp
    std::uint64_t recovered_entries = 0;
};

// Throws std::bad_alloc. Beside a writer, which `has_writer` tells, only what he has persisted is found.
RecoveryPlan plan_recovery(const Medium &medium, const format::SuperblockReading &superblocks,
                           const std::function<bool()> &has_writer = {});

// The metadata's damages alone, as plan_recovery() finds them.
void find_metadata_damage(const Medium &medium, const format::SuperblockReading &superblocks,
                          std::vector<Damage> &damages);

// After this the plan's stream is durable as it says, and marked as not cleanly closed. `regions` are the plan's, in
// its order, revived. Allocates nothing: what has begun to be written is not broken off for want of memory.
Error apply_recovery(Medium &medium, const format::Geometry &geometry, const RecoveryPlan &plan,
                     const std::vector<Region *> &regions);

// Of all that plan_recovery() reads of the metadata: two that are the same had the same metadata between them.
std::uint64_t metadata_fingerprint(const Medium &medium, const format::Geometry &geometry);

// A writer, in this process or another, may be changing the metadata while it is looked at: what was read at different
// moments may not fit together. Calls look() until it gives true (it found nothing wrong), or nothing changed
// meanwhile.
template <typename Look>
void each_consistent_look(const Medium &medium, const format::Geometry &geometry, Look look)
{
    constexpr int attempts = 100;
    for (int attempt = 0; attempt < attempts; ++attempt) {
        const std::uint64_t before = metadata_fingerprint(medium, geometry);
        if (look() || metadata_fingerprint(medium, geometry) == before)
            return;
    }
}

// A span's word. Who changes the tiling makes it durable last.
void write_span(Medium &medium, const format::Geometry &geometry, std::uint64_t offset, const format::Span &span,
                Flush &flush, Medium::Site site = Medium::Site::current());

// The stream's mutable words. Those that give an error are durable if there is none.
Error write_durable_timestamp(Medium &medium, const format::Geometry &geometry, std::uint64_t timestamp);
void write_next_generation(Medium &medium, const format::Geometry &geometry, std::uint64_t generation, Flush &flush);
// Of the copies of the size the higher one counts.
Error write_stream_size(Medium &medium, const format::Geometry &geometry, std::uint64_t size);
Error write_growth(Medium &medium, const format::Geometry &geometry, std::uint64_t size);
Error write_durability(Medium &medium, const format::Geometry &geometry, format::Durability durability);
// `digest` 0: not clean.
Error write_clean_mark(Medium &medium, const format::Geometry &geometry, std::uint64_t digest);
// Of all spans and region headers and the words above; not 0.
std::uint64_t metadata_digest(const Medium &medium, const format::Geometry &geometry, const Tiling &tiling,
                              std::uint64_t durable_timestamp, std::uint64_t next_generation);

} // namespace pms
