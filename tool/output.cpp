// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

#include "output.hpp"

#include "failure.hpp"

#include <unistd.h>

#include <cerrno>

namespace tool {
namespace {

constexpr std::size_t large = 256 * 1024;

} // namespace

void Output::write(std::string_view bytes)
{
    buffer_.append(bytes);
    flush_if_large();
}

void Output::flush_if_large()
{
    if (buffer_.size() >= large)
        flush();
}

void Output::flush()
{
    const char *next = buffer_.data();
    std::size_t left = buffer_.size();
    while (open_ && left > 0) {
        const ssize_t written = ::write(STDOUT_FILENO, next, left);
        if (written >= 0) {
            next += written;
            left -= static_cast<std::size_t>(written);
        } else if (errno == EPIPE) {
            open_ = false;
        } else if (errno != EINTR) {
            buffer_.clear();
            throw system_failure("standard output");
        }
    }
    buffer_.clear();
}

void complain(std::string_view message)
{
    fmt::memory_buffer line;
    fmt::format_to(std::back_inserter(line), "pmemstream: {}\n", message);
    // One write, so that lines of several processes do not mix. Where standard error fails nobody can be told.
    [[maybe_unused]] const ssize_t ignored = ::write(STDERR_FILENO, line.data(), line.size());
}

} // namespace tool
