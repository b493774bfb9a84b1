// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// The free spans of a stream, in memory. Which one an allocation takes, and which have to be joined for it.
#pragma once

#include "region/span_walk.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

namespace pms {

class FreeSpans {
public:
    // The span added last is taken first among those of its size.
    void add(FreeSpan span);
    void remove(FreeSpan span) noexcept;

    // What an allocation of `size` takes: a span of just that size, else the smallest larger one. Nothing is removed.
    std::optional<FreeSpan> choose(std::uint64_t size) const;

    // Neighbouring spans that are large enough together, in order; empty if there are none.
    std::vector<FreeSpan> joinable(std::uint64_t size) const;
    // Makes one span of them. prepare_join() takes the memory for it beforehand and changes nothing else.
    void prepare_join(const std::vector<FreeSpan> &run);
    void join(const std::vector<FreeSpan> &run) noexcept;

    std::uint64_t total() const;
    // The largest size that choose() or joinable() can serve.
    std::uint64_t largest() const;

private:
    // Calls f(first, end) for each run of neighbours, until it returns true.
    template <typename F>
    void each_run(F f) const;

    std::map<std::uint64_t, std::uint64_t> by_offset_;            // offset -> size
    std::map<std::uint64_t, std::vector<std::uint64_t>> by_size_; // size -> offsets, freed last at the back
};

} // namespace pms
