// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

#include "report/chart.hpp"

#include "report/report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace bench {
namespace {

// What is around the lines' own rectangle.
constexpr double space_left = 80;
constexpr double space_right = 310;
constexpr double space_top = 40;
constexpr double space_bottom = 72;
constexpr double legend_line = 22;

std::string escaped(const std::string &text)
{
    std::string result;
    for (const char c : text) {
        if (c == '&')
            result += "&amp;";
        else if (c == '<')
            result += "&lt;";
        else
            result += c;
    }
    return result;
}

std::string draw_line(double x1, double y1, double x2, double y2, const std::string &attributes)
{
    return fmt::format(R"(<line x1="{:.1f}" y1="{:.1f}" x2="{:.1f}" y2="{:.1f}" {}/>)"
                       "\n",
                       x1, y1, x2, y2, attributes);
}

std::string stroke_of(const Line &line)
{
    const std::string dashes = line.dashes.empty() ? "" : fmt::format(R"( stroke-dasharray="{}")", line.dashes);
    return fmt::format(R"(stroke="{}" stroke-width="2"{})", line.colour, dashes);
}

std::string draw_point(double x, double y, const Line &line)
{
    return fmt::format(R"(<circle cx="{:.1f}" cy="{:.1f}" r="3.5" fill="{}"/>)"
                       "\n",
                       x, y, line.colour);
}

} // namespace

double Axis::place_of(double value) const
{
    const auto scale = [this](double number) { return logarithmic ? std::log10(number) : number; };
    const double low = scale(marks.front().at);
    const double high = scale(marks.back().at);
    return (scale(value) - low) / (high - low);
}

Axis linear_axis(const std::string &title, double largest)
{
    // Four to ten marks.
    double step = std::pow(10, std::floor(std::log10(largest)) - 1);
    for (const double factor : {2.0, 2.5, 2.0})
        if (largest / step > 10)
            step *= factor;
    Axis axis = {title, false, {}};
    for (int i = 0; axis.marks.empty() || axis.marks.back().at < largest; ++i)
        axis.marks.push_back({i * step, fmt::format("{:g}", i * step)});
    return axis;
}

Axis duration_axis(const std::string &title, double smallest, double largest)
{
    Axis axis = {title, true, {}};
    static constexpr const char *units[] = {"ns", "µs", "ms", "s"};
    const auto complete = [&] { return axis.marks.size() >= 2 && axis.marks.back().at >= largest; };
    for (int power = 0; !complete(); ++power)
        for (const int factor : {1, 2, 5}) {
            const double at = factor * std::pow(10, power);
            if (complete())
                break;
            if (at <= smallest)
                axis.marks.clear(); // it begins here, or later
            const int unit = std::min(power / 3, 3);
            axis.marks.push_back(
                {at, factor == 1 ? fmt::format("{:g} {}", std::pow(10, power - 3 * unit), units[unit]) : ""});
        }
    return axis;
}

std::string draw_text(double x, double y, const std::string &text, const std::string &attributes)
{
    return fmt::format(R"(<text x="{:.1f}" y="{:.1f}" {}>{}</text>)"
                       "\n",
                       x, y, attributes, escaped(text));
}

std::string draw(const Chart &chart, double left, double top, double width, double height)
{
    const double x0 = left + space_left;
    const double x1 = left + width - space_right;
    const double y0 = top + height - space_bottom;
    const double y1 = top + space_top;
    const auto x_of = [&](double value) { return x0 + chart.x.place_of(value) * (x1 - x0); };
    const auto y_of = [&](double value) { return y0 + chart.y.place_of(value) * (y1 - y0); };

    std::string svg = draw_text(left, top + 18, chart.title, R"(font-size="16" font-weight="bold")");
    for (const Mark &mark : chart.y.marks) {
        svg += draw_line(x0, y_of(mark.at), x1, y_of(mark.at),
                         mark.label.empty() ? R"(stroke="#eeeeee")" : R"(stroke="#cccccc")");
        svg += draw_text(x0 - 8, y_of(mark.at) + 4, mark.label, R"(text-anchor="end")");
    }
    for (const Mark &mark : chart.x.marks) {
        svg += draw_line(x_of(mark.at), y0, x_of(mark.at), y0 + 5, R"(stroke="#333333")");
        svg += draw_text(x_of(mark.at), y0 + 20, mark.label, R"(text-anchor="middle")");
    }
    svg += draw_line(x0, y0, x1, y0, R"(stroke="#333333")");
    svg += draw_line(x0, y0, x0, y1, R"(stroke="#333333")");
    svg += draw_text((x0 + x1) / 2, y0 + 42, chart.x.title, R"(text-anchor="middle")");
    const double middle = (y0 + y1) / 2;
    svg += draw_text(
        left + 14, middle, chart.y.title,
        fmt::format(R"svg(text-anchor="middle" transform="rotate(-90 {:.1f} {:.1f})")svg", left + 14, middle));

    double legend = y1 + 10;
    for (const Line &line : chart.lines) {
        std::string points;
        for (const auto &[x, y] : line.points)
            points += fmt::format("{:.1f},{:.1f} ", x_of(x), y_of(y));
        svg += fmt::format(R"(<polyline points="{}" fill="none" {}/>)"
                           "\n",
                           points, stroke_of(line));
        for (const auto &[x, y] : line.points)
            svg += draw_point(x_of(x), y_of(y), line);

        svg += draw_line(x1 + 24, legend, x1 + 60, legend, stroke_of(line));
        svg += draw_point(x1 + 42, legend, line);
        svg += draw_text(x1 + 68, legend + 4, line.label);
        legend += legend_line;
    }
    return svg;
}

} // namespace bench
