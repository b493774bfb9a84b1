// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// The interface by which entries are appended to every contender.
#pragma once

#include "clock.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

namespace bench {

class Log {
public:
    Log() = default;
    Log(const Log &) = delete;
    Log &operator=(const Log &) = delete;
    virtual ~Log() = default;

    // How many entries of that size the log holds when it was empty.
    virtual std::uint64_t capacity(std::size_t size) const = 0;
    // Makes room for that many, by emptying the log if need be. Not timed.
    virtual void make_room(std::size_t size, std::uint64_t count) = 0;
    // Appends the same bytes so many times. There is room. At the end all entries are durable.
    virtual void append(const std::byte *data, std::size_t size, std::uint64_t count) = 0;
    // The same, and takes the time after each.
    virtual void append_stamped(const std::byte *data, std::size_t size, std::span<Ticks> stamps) = 0;
};

using LogPtr = std::unique_ptr<Log>;

// A Log whose loops call Derived::append_one(data, size) inlined, so that the virtual call is one a slice.
template <typename Derived>
class LogLoops : public Log {
public:
    void append(const std::byte *data, std::size_t size, std::uint64_t count) override
    {
        Derived &derived = static_cast<Derived &>(*this);
        for (std::uint64_t i = 0; i < count; ++i)
            derived.append_one(data, size);
    }

    void append_stamped(const std::byte *data, std::size_t size, std::span<Ticks> stamps) override
    {
        Derived &derived = static_cast<Derived &>(*this);
        for (Ticks &stamp : stamps) {
            derived.append_one(data, size);
            stamp = ticks();
        }
    }
};

} // namespace bench
