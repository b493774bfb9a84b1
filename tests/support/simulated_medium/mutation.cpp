// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

#include "medium/mutation.hpp"

#include <atomic>
#include <mutex>
#include <set>
#include <string_view>

namespace pms {
namespace {

std::mutex mutex;
bool collecting = false;
std::set<Mutation::Site> sites;
Mutation::Site target;
Mutation::Kind kind_set = Mutation::Kind::none;
std::atomic<bool> was_reached{false};

// From the project's root on, wherever it was built. A header is reached through its room's include directory, as
// rooms/format/format/word.hpp (cmake/Rooms.cmake).
std::string short_name(std::string_view file)
{
    if (const auto rooms = file.rfind("/rooms/"); rooms != std::string_view::npos) {
        const std::string_view room = file.substr(rooms + std::string_view("/rooms/").size());
        return "src" + std::string(room.substr(room.find('/')));
    }
    const auto source = file.rfind("/src/");
    return std::string(source == std::string_view::npos ? file : file.substr(source + 1));
}

} // namespace

bool Mutation::active_ = false;

void Mutation::collect(bool on)
{
    const std::lock_guard guard(mutex);
    collecting = on;
    active_ = on || kind_set != Kind::none;
}

std::vector<Mutation::Site> Mutation::collected()
{
    const std::lock_guard guard(mutex);
    return {sites.begin(), sites.end()};
}

void Mutation::set(const Site &site, Kind kind)
{
    target = site;
    kind_set = kind;
    was_reached = false;
    active_ = true;
}

void Mutation::clear()
{
    kind_set = Kind::none;
    active_ = collecting;
}

bool Mutation::reached() noexcept
{
    return was_reached;
}

Mutation::Kind Mutation::look(Step step, const std::source_location &place) noexcept
{
    if (collecting) {
        const std::lock_guard guard(mutex);
        sites.insert({step, short_name(place.file_name()), place.line(), place.column()});
    }
    if (kind_set == Kind::none || step != target.step || place.line() != target.line ||
        place.column() != target.column || short_name(place.file_name()) != target.file)
        return Kind::none;
    was_reached = true;
    return kind_set;
}

std::string to_string(const Mutation::Site &site)
{
    static constexpr const char *steps[] = {"store", "copy", "written", "flush", "fence", "check"};
    return site.file + ':' + std::to_string(site.line) + ':' + std::to_string(site.column) + ' ' +
           steps[static_cast<int>(site.step)];
}

} // namespace pms
