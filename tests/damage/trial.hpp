// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// One damaged image: opened for reading and for writing, read, gone on with, closed, opened again; and judged.
#pragma once

#include "damage/edit.hpp"
#include "damage/live_image.hpp"

#include <memory>
#include <string>
#include <vector>

namespace damage {

// From good to bad.
enum class Outcome : std::uint8_t {
    harmless, // everything that was there is there
    refused,  // the writer, with nothing written; a reader is told of damage, or refused as well
    reported, // opened, and damage told with its place
    ended,    // killed only: the log ends behind what was known durable; whole entries that went are named
    untold,   // something went, and the format has nothing that could tell
    silent,
    crashed,
    hung,
};
inline constexpr std::size_t outcomes = 8;
const char *name_of(Outcome outcome);

// Who told of a damage that did not keep the stream from being opened.
struct Tellers {
    bool opening = false;  // damage_count
    bool dropping = false; // dropped_entries
    bool verifying = false;
    bool iterating = false;
    bool checking = false; // iterating with check_data
};

// Why a loss can be told by nothing that format 1 keeps.
enum class Untold : std::uint8_t {
    none,
    older_header, // of a killed image: a span's word or a region's identity, or a header with its records
    older_record, // a whole record of the same life and place, or a filler
};
inline constexpr std::size_t untold_reasons = 3;
const char *sentence_of(Untold reason);

struct Verdict {
    Outcome outcome = Outcome::harmless;
    std::string why;
    Untold untold = Untold::none;
    Tellers tellers{};
};

class Trial {
public:
    explicit Trial(const LiveImage &image);
    ~Trial();
    Trial(const Trial &) = delete;
    Trial &operator=(const Trial &) = delete;

    Verdict judge(const Edit &edit);

private:
    struct Foreign;
    struct Look;
    struct Case;
    class Violation;
    class OpenStream;

    void read(Case &it);
    void write(Case &it);
    void go_on(const Case &it, OpenStream &open, const Look &before);
    void judge(Case &it, const Look &look, bool data_checked) const;
    Untold why_untold(const Case &it, const Entry &entry) const;
    Look look_at(pmemstream *stream, bool data_checked) const;

    const LiveImage &image_;
    std::vector<std::uint32_t> entry_at_; // by offset / 8; the index of the entry, and one
    std::unique_ptr<pms::SimulatedImage> simulated_;
};

} // namespace damage
