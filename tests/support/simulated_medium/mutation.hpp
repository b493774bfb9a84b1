// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// Breaks the library on purpose, in one place at a time: a store, a flush, a fence or sync, or the test of a checksum
// is left out or comes too late. Whoever checks crash states has to notice. A place is a line and column of the source.
//
// One mutation for the whole process, set while nothing else runs.
#pragma once

#include <compare>
#include <cstdint>
#include <source_location>
#include <string>
#include <vector>

namespace pms {

class Mutation {
public:
    // A copy is a store of any number of words.
    enum class Step : std::uint8_t { store, copy, written, flush, fence, check };
    // spill: it goes on for a word of zeros.
    enum class Kind : std::uint8_t { none, drop, delay, spill };
    struct Site {
        Step step;
        std::string file;
        std::uint32_t line;
        std::uint32_t column;
        auto operator<=>(const Site &) const = default;
    };

    // What is to be done to this step: for the library's own side.
    static Kind of(Step step, const std::source_location &place) noexcept
    {
        return active_ ? look(step, place) : Kind::none;
    }

    // From here on every site that is reached is remembered, or none.
    static void collect(bool on);
    // In the order of the source.
    static std::vector<Site> collected();

    static void set(const Site &site, Kind kind);
    static void clear();
    // Whether the mutation has had an effect since it was set.
    static bool reached() noexcept;

private:
    static Kind look(Step step, const std::source_location &place) noexcept;
    static bool active_;
};

std::string to_string(const Mutation::Site &site);

} // namespace pms
