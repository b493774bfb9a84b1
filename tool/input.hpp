// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// Standard input as lines, any bytes, any length.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace tool {

// Signals that ask the program to end (SIGINT, SIGTERM, SIGHUP) are held back while this lives and show between two
// reads, so that what was read is appended, reported and the stream closed cleanly before the process obeys.
class StopSignals {
public:
    StopSignals();
    ~StopSignals();
    StopSignals(const StopSignals &) = delete;
    StopSignals &operator=(const StopSignals &) = delete;

    int descriptor() const { return fd_; }

    // Takes the signal that has arrived, and does to the process what it asked for when this object goes.
    void accept();

private:
    int fd_;
    int accepted_ = 0;
};

class LineInput {
public:
    // A line longer than `longest` is a Failure: without a bound, an input without newlines fills the memory.
    LineInput(const StopSignals &signals, std::size_t longest);

    enum class Event { lines, end, stopped };

    // Reads once, waiting if nothing is there. `lines` may have added none, if no line has ended yet.
    Event read();

    // Whether read() would return at once.
    bool ready() const;

    // The whole lines read and not yet dropped, without their newlines. At the end of the input the last line counts
    // without one. Valid until the next read().
    std::size_t line_count() const { return ends_.size(); }
    std::string_view line(std::size_t n) const;
    // The bytes these lines take.
    std::size_t byte_count() const { return ends_.empty() ? 0 : ends_.back() + 1; }

    // Forgets the whole lines read.
    void drop_lines();

private:
    bool wait_or_stop() const;

    const StopSignals &signals_;
    std::size_t longest_;
    std::string bytes_;
    std::vector<std::size_t> ends_; // where each whole line ends in `bytes_`: the place of its newline
    bool at_end_ = false;
};

} // namespace tool
