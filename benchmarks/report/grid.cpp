// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

#include "report/grid.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace bench {
namespace {

// Of UTF-8: what goes on a character is not counted.
std::size_t width_of(const std::string &text)
{
    return static_cast<std::size_t>(
        std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

} // namespace

Grid::Grid(std::vector<std::string> header, std::size_t text_columns)
    : rows_({std::move(header)}), text_columns_(text_columns)
{}

void Grid::add(std::vector<std::string> row)
{
    row.resize(rows_.front().size());
    rows_.push_back(std::move(row));
}

std::string Grid::str() const
{
    std::vector<std::size_t> widths(rows_.front().size(), 3);
    for (const auto &row : rows_)
        for (std::size_t i = 0; i < row.size(); ++i)
            widths[i] = std::max(widths[i], width_of(row[i]));

    std::string text;
    for (std::size_t r = 0; r < rows_.size(); ++r) {
        for (std::size_t i = 0; i < widths.size(); ++i) {
            const std::string padding(widths[i] - width_of(rows_[r][i]), ' ');
            text += i < text_columns_ ? fmt::format("| {}{} ", rows_[r][i], padding)
                                      : fmt::format("| {}{} ", padding, rows_[r][i]);
        }
        text += "|\n";
        if (r != 0)
            continue;
        for (std::size_t i = 0; i < widths.size(); ++i)
            text += i < text_columns_ ? fmt::format("|{:-<{}}", "", widths[i] + 2)
                                      : fmt::format("|{:-<{}}:", "", widths[i] + 1);
        text += "|\n";
    }
    return text;
}

} // namespace bench
