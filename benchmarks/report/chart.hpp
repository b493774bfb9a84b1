// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// Line charts, drawn as SVG.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace bench {

struct Mark {
    double at;
    std::string label; // empty: a lighter line
};

struct Axis {
    std::string title;
    bool logarithmic;
    std::vector<Mark> marks; // the first and the last one are the ends of the axis

    // From 0 to 1.
    double place_of(double value) const;
};

// Marks from 0 at equal steps.
Axis linear_axis(const std::string &title, double largest);
// Marks at 1, 2, 5 and their powers of ten around these values, not below 1 ns; the powers have labels.
Axis duration_axis(const std::string &title, double smallest, double largest);

struct Line {
    std::string label;
    std::string colour;
    std::string dashes; // as in SVG; empty: none
    std::vector<std::pair<double, double>> points;
};

struct Chart {
    std::string title;
    Axis x;
    Axis y;
    std::vector<Line> lines;
};

// Text at a place; `attributes` as in SVG.
std::string draw_text(double x, double y, const std::string &text, const std::string &attributes = "");

// In a rectangle with that corner at the left and the top; the legend is at the right.
std::string draw(const Chart &chart, double left, double top, double width, double height);

} // namespace bench
