// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// A table in Markdown that is a table for people, too.
#pragma once

#include <string>
#include <vector>

namespace bench {

class Grid {
public:
    // The first `text_columns` columns hold words, the others numbers.
    Grid(std::vector<std::string> header, std::size_t text_columns);
    // Numbers that are missing are empty.
    void add(std::vector<std::string> row);
    bool empty() const { return rows_.size() == 1; }
    std::string str() const;

private:
    std::vector<std::vector<std::string>> rows_;
    std::size_t text_columns_;
};

} // namespace bench
