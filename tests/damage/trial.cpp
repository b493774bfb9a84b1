// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

#include "damage/trial.hpp"

#include "format/region_header.hpp"
#include "libpmemstream.h"
#include "medium/medium.hpp"
#include "region/scan.hpp"
#include "stream/stream.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <optional>
#include <utility>

namespace damage {

using pms::SimulatedImage;
namespace format = pms::format;

namespace {

constexpr std::uint64_t header_size = format::region_header_size;
constexpr std::uint64_t no_region = PMEMSTREAM_INVALID_OFFSET;

// Beyond it hangs: steps of an iteration, the images having some dozens of entries, and loads of single words that one
// open may take.
constexpr std::uint64_t max_iteration = 1000;
constexpr std::uint64_t max_loads = 10'000'000; // of all that is done with an image
constexpr std::uint64_t max_steps(std::size_t image_size)
{
    return 1000 + image_size / 8 * 4;
}

bool overlap(const pmemstream_damage &damage, std::uint64_t begin, std::uint64_t end)
{
    return damage.offset < end && begin < damage.offset + damage.size;
}

} // namespace

class Trial::Violation {
public:
    Outcome outcome;
    std::string why;
};

// An entry that the image did not have.
struct Trial::Foreign {
    std::uint64_t region;
    std::uint64_t offset;
    std::uint64_t timestamp;
    std::uint64_t data; // its first 8 bytes
    bool operator==(const Foreign &) const = default;
};

// What a stream shows of itself.
struct Trial::Look {
    pmemstream_info info{};
    std::vector<pmemstream_dropped_entry> dropped;
    std::vector<pmemstream_damage> damages; // as verifying tells them
    std::uint64_t stops = 0;                // of iterators, at damage
    std::vector<bool> seen;                 // the image's entries, by index
    std::vector<std::uint32_t> different;   // those of them whose data is another, by index
    std::vector<Foreign> foreign;
    std::vector<std::uint64_t> regions;

    bool told() const { return !damages.empty() || stops != 0 || info.damage_count != 0; }
    bool told_of(std::uint64_t begin, std::uint64_t end) const
    {
        return std::ranges::any_of(damages, [&](const auto &damage) { return overlap(damage, begin, end); });
    }
    bool dropped_it(const Entry &entry) const
    {
        return std::ranges::any_of(dropped, [&](const pmemstream_dropped_entry &one) {
            return one.entry.offset == entry.offset && one.timestamp == entry.timestamp && one.size == entry.size &&
                   one.region.offset == entry.region;
        });
    }
};

// Closed when it goes, by a close or as by a kill.
class Trial::OpenStream {
public:
    explicit OpenStream(SimulatedImage &image) : image_(image) {}
    ~OpenStream()
    {
        if (stream == nullptr)
            return;
        image_.kill();
        close();
    }
    OpenStream(const OpenStream &) = delete;
    OpenStream &operator=(const OpenStream &) = delete;
    void close() { pmemstream_delete(&stream); }

    pmemstream *stream = nullptr;

private:
    SimulatedImage &image_;
};

struct Trial::Case {
    const LiveImage &image;
    const Edit &edit;
    const Bytes bytes; // damaged
    SimulatedImage &simulated;
    Verdict verdict;
    std::vector<bool> readable; // the image's entries that a reader found whole, by index

    bool touched(std::uint64_t begin, std::uint64_t end) const
    {
        return std::memcmp(bytes.data() + begin, image.bytes.data() + begin, end - begin) != 0;
    }
    bool touched(const Entry &entry) const { return touched(entry.offset, entry.data() + entry.size); }
    // A span's word, a generation or what covers them.
    bool identity_touched() const
    {
        return std::ranges::any_of(image.regions,
                                   [&](const Span &span) { return touched(span.offset, span.offset + 24); }) ||
               std::ranges::any_of(image.free_spans,
                                   [&](const Span &span) { return touched(span.offset, span.offset + 8); });
    }
    bool older_header_and_records(std::uint64_t region) const
    {
        const auto span = std::ranges::find(image.regions, region, &Span::offset);
        return span != image.regions.end() && touched(region, region + header_size) &&
               touched(region + header_size, span->end());
    }
    // Of the region's life, where the entry was.
    bool whole_record_at(const Entry &entry) const
    {
        std::uint64_t generation = 0;
        std::memcpy(&generation, bytes.data() + entry.region + offsetof(format::RegionHeader, generation),
                    sizeof generation);
        const std::uint64_t seed = format::region_seed(image.stream_seed, generation);
        return pms::find_record(pms::Medium(simulated), seed, entry.offset, image.bytes.size()).has_value();
    }
    // Of what has two.
    bool one_copy_touched() const
    {
        if (bytes.size() != image.bytes.size() || is_older())
            return false;
        return std::ranges::any_of(std::array{0, 1}, [&](int copy) {
            const std::uint64_t begin = format::superblock_offset(copy);
            const std::uint64_t end = format::next_generation_offset(copy) + 8;
            return touched(begin, end) && (begin == 0 || !touched(0, begin)) && !touched(end, bytes.size());
        });
    }
    bool is_older() const { return edit.kind == Kind::older || edit.kind == Kind::torn || edit.kind == Kind::torn_end; }
    bool unchanged(std::uint64_t begin, std::uint64_t end) const
    {
        return std::memcmp(simulated.cache() + begin, bytes.data() + begin, end - begin) == 0;
    }
    bool all_unchanged() const { return simulated.counts().stores == 0 && unchanged(0, bytes.size()); }
    void check_steps() const
    {
        if (simulated.counts().loads > max_steps(bytes.size()))
            throw Violation{Outcome::hung, "opening took " + std::to_string(simulated.counts().loads) + " loads"};
    }
    void became(Outcome outcome) { verdict.outcome = std::max(verdict.outcome, outcome); }
};

namespace {

int collect_damage(const pmemstream_damage *damage, void *damages)
{
    static_cast<std::vector<pmemstream_damage> *>(damages)->push_back(*damage);
    return 0;
}

} // namespace

const char *sentence_of(Untold reason)
{
    switch (reason) {
    case Untold::older_header:
        return "an older span's word or region header, valid by itself, put back on a killed image: the clean mark's "
               "digest, which tells it from the rest, is there only after a close, and a crash that lost the block's "
               "last "
               "stores leaves the same bytes";
    case Untold::older_record:
        return "an older record of the same life and place put back: a filler that became an entry, or an entry that a "
               "recovery dropped; it is valid by itself, and nothing counts the entries of a region";
    case Untold::none:
        break;
    }
    return "";
}

const char *name_of(Outcome outcome)
{
    static constexpr std::array<const char *, outcomes> names = {"harmless", "refused", "reported", "ended",
                                                                 "untold",   "silent",  "crashed",  "hung"};
    return names[static_cast<std::size_t>(outcome)];
}

Trial::Trial(const LiveImage &image)
    : image_(image), entry_at_(image.bytes.size() / 8),
      simulated_(std::make_unique<SimulatedImage>(image.bytes.size(), image.granularity))
{
    for (std::uint32_t i = 0; i < image.entries.size(); ++i)
        entry_at_[image.entries[i].offset / 8] = i + 1;
}

Trial::~Trial() = default;

Trial::Look Trial::look_at(pmemstream *stream, bool data_checked) const
{
    const auto must = [](bool holds, const char *what) {
        if (!holds)
            throw Violation{Outcome::silent, std::string(what) + " failed: " + pmemstream_errormsg()};
    };
    std::uint64_t steps = 0;
    const auto step = [&] {
        if (++steps > max_iteration)
            throw Violation{Outcome::hung, "iterating does not end"};
    };

    Look look;
    must(pmemstream_get_info(stream, &look.info, sizeof look.info) == 0, "get_info");
    for (std::uint64_t n = 0; n < look.info.dropped_entries; ++n) {
        step();
        must(pmemstream_get_dropped_entry(stream, n, &look.dropped.emplace_back()) == 0, "get_dropped_entry");
    }
    must(pmemstream_verify(stream, collect_damage, &look.damages, nullptr) == 0, "verify");
    look.seen.resize(image_.entries.size());

    const auto see = [&](std::uint64_t region, pmemstream_entry entry) {
        const std::uint64_t timestamp = pmemstream_entry_timestamp(stream, entry);
        const std::uint64_t size = pmemstream_entry_size(stream, entry);
        const auto *data = static_cast<const std::byte *>(pmemstream_entry_data(stream, entry));
        must(data != nullptr && timestamp != 0, "looking at an entry");
        const std::uint32_t index = entry.offset / 8 < entry_at_.size() ? entry_at_[entry.offset / 8] : 0;
        const Entry *known = index == 0 ? nullptr : &image_.entries[index - 1];
        if (known == nullptr || known->timestamp != timestamp || known->size != size || known->region != region) {
            std::uint64_t first = 0;
            std::memcpy(&first, data, std::min<std::uint64_t>(size, sizeof first));
            look.foreign.push_back({region, entry.offset, timestamp, first});
            return;
        }
        must(!look.seen[index - 1], "showing an entry once");
        look.seen[index - 1] = true;
        if (std::memcmp(data, image_.bytes.data() + known->data(), size) == 0)
            return;
        if (data_checked)
            throw Violation{Outcome::silent, "entry " + std::to_string(timestamp) + " has other data, and was checked"};
        look.different.push_back(index - 1);
    };

    pmemstream_region_iterator *regions = nullptr;
    must(pmemstream_region_iterator_new(&regions, stream) == 0, "region_iterator_new");
    for (pmemstream_region_iterator_seek_first(regions); pmemstream_region_iterator_is_valid(regions) == 0;
         pmemstream_region_iterator_next(regions)) {
        step();
        const pmemstream_region region = pmemstream_region_iterator_get(regions);
        look.regions.push_back(region.offset);
        pmemstream_entry_iterator *entries = nullptr;
        must(pmemstream_entry_iterator_new(&entries, stream, region) == 0, "entry_iterator_new");
        for (pmemstream_entry_iterator_seek_first(entries);; step()) {
            if (pmemstream_entry_iterator_is_valid(entries) == 0) {
                see(region.offset, pmemstream_entry_iterator_get(entries));
                pmemstream_entry_iterator_next(entries);
            } else if (errno == EUCLEAN) {
                ++look.stops;
                must(pmemstream_entry_iterator_skip_damage(entries) == 0, "skip_damage");
            } else {
                break;
            }
        }
        pmemstream_entry_iterator_delete(&entries);
    }
    pmemstream_region_iterator_delete(&regions);
    return look;
}

// On paper first. What an older block of a cleanly closed image says of the metadata is told from the rest by the
// digest in the clean mark. A killed image has none, and a crash may have lost any block's last stores: what is valid
// by itself is believed.
Untold Trial::why_untold(const Case &it, const Entry &entry) const
{
    if (it.is_older() && !image_.closed() && (it.identity_touched() || it.older_header_and_records(entry.region)))
        return Untold::older_header;
    if (it.is_older() && it.touched(entry.offset, entry.end()) &&
        !it.touched(entry.region, entry.region + header_size) && it.whole_record_at(entry))
        return Untold::older_record;
    return Untold::none;
}

void Trial::judge(Case &it, const Look &look, bool data_checked) const
{
    const auto lost = [&](const Entry &entry, const std::string &how) {
        const Untold reason = why_untold(it, entry);
        if (reason == Untold::none)
            throw Violation{Outcome::silent, "entry " + std::to_string(entry.timestamp) + " at " +
                                                 std::to_string(entry.offset) + ' ' + how};
        it.verdict.untold = reason;
        it.became(Outcome::untold);
    };
    for (const Foreign &entry : look.foreign) {
        // Who iterates without checking the data is told of every flipped bit of a header, and by verifying of the
        // rest.
        const bool told = it.is_older() ? look.told()
                                        : !data_checked && it.edit.kind != Kind::flipped &&
                                              look.told_of(entry.offset, entry.offset + 1);
        if (!told)
            lost({entry.timestamp, entry.region, entry.offset, 0}, "was not there");
    }
    for (const std::uint32_t index : look.different)
        if (!look.told_of(image_.entries[index].offset, image_.entries[index].end()))
            lost(image_.entries[index], "has other data");
    if (look.info.persisted_timestamp < image_.durable && !look.told())
        throw Violation{Outcome::silent, "the log ends in front of what is known durable"};

    it.became(look.told() || !look.dropped.empty() ? Outcome::reported : Outcome::harmless);
    for (std::size_t i = 0; i < image_.entries.size(); ++i) {
        const Entry &entry = image_.entries[i];
        const bool dropped = look.dropped_it(entry);
        if (look.seen[i] || look.told_of(entry.offset, entry.end()) || (look.told() && dropped))
            continue;
        if (!image_.closed() && entry.timestamp > image_.durable && (dropped || it.touched(entry))) {
            it.became(Outcome::ended);
            continue;
        }
        // Of a region whose header is damaged nothing can be checked.
        if (it.touched(entry.region, entry.region + header_size) &&
            look.told_of(entry.region, entry.region + header_size))
            continue;
        // Metadata that is valid and old hides what came later. It is told that it is old, and no more. A header that
        // is old and is not checked in full hides what it steps over.
        if (it.is_older() && look.told())
            continue;
        lost(entry, it.touched(entry) ? "is gone, and nobody tells" : "is gone, though nothing touched it");
    }
}

void Trial::read(Case &it)
{
    OpenStream open(it.simulated);
    std::unique_ptr<pms::Stream> stream;
    const pms::Options options{.read_only = true, .check_data = true};
    const pms::Error error =
        pms::Stream::open(pms::Medium(it.simulated), 0, pms::Stream::IfEmpty::refuse, options, stream);
    it.check_steps();
    if (!failed(error)) {
        open.stream = reinterpret_cast<pmemstream *>(stream.release());
        const Look look = look_at(open.stream, true);
        it.verdict.tellers.checking = look.stops != 0;
        it.readable = look.seen;
        judge(it, look, true);
        open.close();
    }
    if (!it.all_unchanged())
        throw Violation{Outcome::silent, "opening for reading wrote"};
}

void Trial::write(Case &it)
{
    OpenStream open(it.simulated);
    const std::uint64_t loads = it.simulated.counts().loads;
    if (pmemstream_from_map(&open.stream, image_.block_size, it.simulated.map()) != 0) {
        static constexpr int clear[] = {EUCLEAN, EMEDIUMTYPE, ENOTSUP, ENODATA, EFBIG};
        if (std::ranges::find(clear, errno) == std::end(clear) || pmemstream_errormsg()[0] == '\0')
            throw Violation{Outcome::silent, std::string("refused without a clear word: ") + std::strerror(errno)};
        if (!it.all_unchanged())
            throw Violation{Outcome::silent, "written before it was validated"};
        if (it.one_copy_touched())
            throw Violation{Outcome::silent, "refused, though there is a second copy"};
        it.verdict.outcome = Outcome::refused;
        return;
    }
    if (it.simulated.counts().loads - loads > max_steps(it.bytes.size()))
        throw Violation{Outcome::hung, "opening for writing took too many loads"};
    if (it.readable.empty())
        throw Violation{Outcome::silent, "refused for reading, and opened for writing"};
    const auto footprint = it.simulated.footprint();
    if (footprint.empty() || footprint.front().first != format::clean_mark_offset ||
        footprint.front().second != format::clean_mark_offset + 8)
        throw Violation{Outcome::silent, "the first store was not that of the clean mark"};

    const Look look = look_at(open.stream, false);
    Tellers &tellers = it.verdict.tellers;
    tellers.opening = look.info.damage_count != 0;
    tellers.dropping = !look.dropped.empty();
    tellers.verifying = !look.damages.empty();
    tellers.iterating = look.stops != 0;
    judge(it, look, false);
    // What was acknowledged is not written over, damaged or not.
    for (const Entry &entry : image_.entries)
        if (it.verdict.outcome != Outcome::untold && entry.timestamp <= look.info.persisted_timestamp &&
            !it.unchanged(entry.offset, entry.end()))
            throw Violation{Outcome::silent, "opening wrote over entry " + std::to_string(entry.timestamp)};
    for (int copy = 0; copy < format::copies; ++copy)
        if (!it.unchanged(format::superblock_offset(copy), format::superblock_offset(copy) + format::sector_size))
            throw Violation{Outcome::silent, "opening wrote over a superblock"};
    if (it.verdict.outcome != Outcome::untold)
        go_on(it, open, look);
}

// Whoever opened it appends, frees, allocates, closes and opens again: nothing else changes.
void Trial::go_on(const Case &it, OpenStream &open, const Look &before)
{
    const auto must = [](bool holds, const char *what) {
        if (!holds)
            throw Violation{Outcome::silent, std::string("going on, not so: ") + what};
    };
    std::vector<Foreign> appended;
    std::uint64_t last = before.info.persisted_timestamp;
    const auto append = [&](pmemstream_region region) {
        const std::uint64_t data = ~++last;
        pmemstream_entry entry{};
        must(pmemstream_append(open.stream, region, nullptr, &data, sizeof data, &entry) == 0, "append");
        appended.push_back({region.offset, entry.offset, pmemstream_entry_timestamp(open.stream, entry), data});
        must(appended.back().timestamp == last, "the next timestamp");
    };
    for (const std::uint64_t region : before.regions)
        if (pmemstream_region_usable_size(open.stream, {region}) >= 24)
            append({region});
    std::uint64_t freed = no_region;
    if (!before.regions.empty()) {
        freed = before.regions[it.edit.at % before.regions.size()];
        must(pmemstream_region_free(open.stream, {freed}) == 0, "free");
        std::erase_if(appended, [&](const Foreign &one) { return one.region == freed; });
    }
    pmemstream_region fresh{};
    must(pmemstream_region_allocate(open.stream, 100, &fresh) == 0, "allocate");
    append(fresh);
    open.close();

    OpenStream again(it.simulated);
    std::unique_ptr<pms::Stream> reopened;
    must(!failed(pms::Stream::open(pms::Medium(it.simulated), 0, pms::Stream::IfEmpty::refuse, {.check_data = true},
                                   reopened)),
         "open again");
    again.stream = reinterpret_cast<pmemstream *>(reopened.release());
    Look after = look_at(again.stream, true);
    must(after.info.was_clean != 0 && after.dropped.empty(), "opening after a clean close");
    must(after.info.persisted_timestamp == last, "the last timestamp");
    for (std::size_t i = 0; i < image_.entries.size(); ++i) {
        const Entry &entry = image_.entries[i];
        must(after.seen[i] == (it.readable[i] && entry.region != freed), "the same entries");
        must(entry.region == freed || entry.timestamp > before.info.persisted_timestamp ||
                 it.unchanged(entry.offset, entry.end()),
             "nothing acknowledged is written over");
    }
    // Beside those that damage makes look like entries.
    std::erase_if(after.foreign, [&](const Foreign &one) {
        return std::ranges::find(appended, one) == appended.end() &&
               (after.told_of(one.offset, one.offset + 1) ||
                std::ranges::find(before.foreign, one) != before.foreign.end());
    });
    std::ranges::sort(after.foreign, {}, &Foreign::timestamp);
    must(after.foreign == appended, "the entries that were appended");
    for (const pmemstream_damage &damage : before.damages)
        must(damage.region.offset == no_region || damage.region.offset == freed ||
                 after.told_of(damage.offset, damage.offset + damage.size),
             "damage is told again");
}

Verdict Trial::judge(const Edit &edit)
{
    Bytes bytes = apply(image_, edit);
    std::unique_ptr<SimulatedImage> other_size;
    if (bytes.size() != image_.bytes.size())
        other_size = std::make_unique<SimulatedImage>(bytes, image_.granularity);
    else
        simulated_->reset(bytes);
    SimulatedImage &simulated = other_size ? *other_size : *simulated_;
    simulated.max_loads = max_loads;
    Case it{image_, edit, std::move(bytes), simulated, {}, {}};
    try {
        read(it);
        write(it);
    } catch (const Violation &violation) {
        it.verdict.outcome = violation.outcome;
        it.verdict.why = violation.why;
    }
    return it.verdict;
}

} // namespace damage
