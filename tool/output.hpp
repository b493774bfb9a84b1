// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// Standard output, gathered into large writes.
#pragma once

#include <fmt/format.h>

#include <cstddef>
#include <iterator>
#include <string_view>

namespace tool {

// A reader that went away (`pmemstream cat FILE | head`) is no error: `open()` becomes false and the rest is discarded.
// Any other failed write throws Failure. Nothing is written unless flush() is called or the buffer_ fills.
class Output {
public:
    bool open() const { return open_; }

    void write(std::string_view bytes);
    void flush();

    template <typename... Args>
    void print(fmt::format_string<Args...> format, Args &&...args)
    {
        fmt::format_to(std::back_inserter(buffer_), format, std::forward<Args>(args)...);
        flush_if_large();
    }

private:
    void flush_if_large();

    fmt::memory_buffer buffer_;
    bool open_ = true;
};

// A line on standard error, after the program's name.
void complain(std::string_view message);

} // namespace tool
