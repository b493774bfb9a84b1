// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

#include "region/free_spans.hpp"

#include <algorithm>

namespace pms {

void FreeSpans::add(FreeSpan span)
{
    auto &offsets = by_size_[span.size];
    offsets.push_back(span.offset);
    try {
        by_offset_.emplace(span.offset, span.size);
    } catch (...) {
        offsets.pop_back();
        throw;
    }
}

void FreeSpans::remove(FreeSpan span) noexcept
{
    by_offset_.erase(span.offset);
    const auto entry = by_size_.find(span.size);
    std::erase(entry->second, span.offset);
    if (entry->second.empty())
        by_size_.erase(entry);
}

std::optional<FreeSpan> FreeSpans::choose(std::uint64_t size) const
{
    for (auto entry = by_size_.lower_bound(size); entry != by_size_.end(); ++entry)
        if (!entry->second.empty())
            return FreeSpan{entry->second.back(), entry->first};
    return std::nullopt;
}

template <typename F>
void FreeSpans::each_run(F f) const
{
    auto first = by_offset_.begin();
    while (first != by_offset_.end()) {
        auto last = first;
        std::uint64_t end = first->first + first->second;
        while (++last != by_offset_.end() && last->first == end)
            end += last->second;
        if (f(first, last, end - first->first))
            return;
        first = last;
    }
}

std::vector<FreeSpan> FreeSpans::joinable(std::uint64_t size) const
{
    std::vector<FreeSpan> run;
    each_run([&](auto first, auto last, std::uint64_t length) {
        if (length < size)
            return false;
        for (; first != last; ++first)
            run.push_back({first->first, first->second});
        return true;
    });
    return run;
}

namespace {

std::uint64_t length_of(const std::vector<FreeSpan> &run)
{
    return run.back().offset + run.back().size - run.front().offset;
}

} // namespace

void FreeSpans::prepare_join(const std::vector<FreeSpan> &run)
{
    auto &offsets = by_size_[length_of(run)];
    offsets.reserve(offsets.size() + 1);
}

void FreeSpans::join(const std::vector<FreeSpan> &run) noexcept
{
    const std::uint64_t first = run.front().offset;
    by_size_.find(length_of(run))->second.push_back(first);
    by_offset_.find(first)->second = length_of(run);
    for (const FreeSpan &span : run) {
        std::erase(by_size_.find(span.size)->second, span.offset);
        if (span.offset != first)
            by_offset_.erase(span.offset);
    }
}

std::uint64_t FreeSpans::total() const
{
    std::uint64_t sum = 0;
    for (const auto &[offset, size] : by_offset_)
        sum += size;
    return sum;
}

std::uint64_t FreeSpans::largest() const
{
    std::uint64_t most = 0;
    each_run([&](auto, auto, std::uint64_t length) {
        most = std::max(most, length);
        return false;
    });
    return most;
}

} // namespace pms
