// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

#include "numbers.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <string>

namespace tool {
namespace {

std::optional<unsigned> shift_of_suffix(std::string_view suffix)
{
    std::string lower;
    for (const char c : suffix)
        lower += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));

    if (lower.empty() || lower == "b")
        return 0;
    const auto unit = std::string_view("kmgt").find(lower[0]);
    const std::string_view rest = std::string_view(lower).substr(1);
    if (unit == std::string_view::npos || (!rest.empty() && rest != "b" && rest != "ib"))
        return std::nullopt;
    return 10 * (static_cast<unsigned>(unit) + 1);
}

} // namespace

std::optional<std::uint64_t> parse_number(std::string_view text)
{
    std::uint64_t value = 0;
    const char *end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, value);
    if (error != std::errc() || stop != end)
        return std::nullopt;
    return value;
}

std::optional<std::uint64_t> parse_size(std::string_view text)
{
    const std::size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
    const auto value = parse_number(text.substr(0, digits));
    const auto shift = shift_of_suffix(text.substr(digits));
    if (!value || *value == 0 || !shift || *value > UINT64_MAX >> *shift)
        return std::nullopt;
    return *value << *shift;
}

} // namespace tool
