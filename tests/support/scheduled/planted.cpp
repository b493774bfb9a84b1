// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

#include "sync/planted.hpp"

#include <set>
#include <string_view>

namespace pms::scheduled {
namespace {

bool collecting = false;
std::set<Planted::Mistake> mistakes;
Planted::Mistake made{"", 0, 0, Planted::Kind::none};

// From the project's root on, wherever it was built.
std::string_view short_name(std::string_view file)
{
    const auto source = file.rfind("/src/");
    return source == std::string_view::npos ? file : file.substr(source + 1);
}

} // namespace

bool Planted::active_ = false;

void Planted::collect(bool on)
{
    collecting = on;
    active_ = on;
}

std::vector<Planted::Mistake> Planted::collected()
{
    return {mistakes.begin(), mistakes.end()};
}

void Planted::set(const Mistake &mistake)
{
    made = mistake;
    active_ = true;
}

bool Planted::look(Kind kind, const std::source_location &place) noexcept
{
    if (collecting) {
        mistakes.insert({std::string(short_name(place.file_name())), place.line(), place.column(), kind});
        return false;
    }
    return kind == made.kind && place.line() == made.line && place.column() == made.column &&
           short_name(place.file_name()) == made.file;
}

std::string to_string(const Planted::Mistake &mistake)
{
    static constexpr const char *kinds[] = {"nothing",  "no store",       "a weak store", "an update in two steps",
                                            "no fence", "no notification"};
    return mistake.file + ':' + std::to_string(mistake.line) + ':' + std::to_string(mistake.column) + ' ' +
           kinds[static_cast<int>(mistake.kind)];
}

} // namespace pms::scheduled
