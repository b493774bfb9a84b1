// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// What a case is made of: commands that name regions, sizes and moments by numbers, to be read modulo what there is.
// So every list of commands can be run: rapidcheck may leave out any of them and make any number smaller, and a fuzzer
// may make them of any bytes.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <vector>

namespace model {

enum class Op : std::uint8_t {
    allocate,
    free,
    append,
    async_append,
    wait_committed,
    wait_persisted,
    reserve,
    publish,
    async_publish,
    abort,
    release_copies,
    bad_calls,
    wild_calls,
    reopen,
    crash,
};

// How a size is meant.
enum class Fit : std::uint8_t { plain, fills, too_large, larger };

struct Command {
    Op op;
    std::uint32_t where; // which region, reservation, timestamp
    Fit fit;
    std::uint32_t size;
    std::uint32_t how;      // the variant
    std::uint32_t crash_at; // 0: no crash; else before that fence of the command, or behind it if it has fewer

    bool operator==(const Command &) const = default;
};

struct Case {
    std::uint32_t stream; // which size and block size
    std::uint32_t seed;   // of what crashes lose
    std::vector<Command> commands;
};

std::ostream &operator<<(std::ostream &out, const Command &command);
std::ostream &operator<<(std::ostream &out, const Case &one);

} // namespace model
