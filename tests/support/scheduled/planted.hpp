// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// Makes a mistake on purpose in one place of the library: whoever explores interleavings has to notice. A place is a
// line and column of the source.
#pragma once

#include <compare>
#include <cstdint>
#include <source_location>
#include <string>
#include <vector>

namespace pms::scheduled {

class Planted {
public:
    enum class Kind : std::uint8_t {
        none,
        no_store,
        weak_store,  // a sequentially consistent one is only a release
        torn_update, // a locked instruction is a load and a store; a comparison always succeeds
        no_fence,
        no_notify,
    };
    struct Mistake {
        std::string file;
        std::uint32_t line;
        std::uint32_t column;
        Kind kind;
        auto operator<=>(const Mistake &) const = default;
    };

    // Whether this mistake is made here: for the operations.
    static bool at(Kind kind, const std::source_location &place) noexcept { return active_ && look(kind, place); }

    // From here on every mistake that could have been made is remembered, or none.
    static void collect(bool on);
    // In the order of the source.
    static std::vector<Mistake> collected();
    static void set(const Mistake &mistake);

private:
    static bool look(Kind kind, const std::source_location &place) noexcept;
    static bool active_;
};

std::string to_string(const Planted::Mistake &mistake);

} // namespace pms::scheduled
