// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

#include "team.hpp"

#include <algorithm>

namespace bench {

Team::Team(unsigned threads) : members_(threads), start_(threads), end_(threads)
{
    for (unsigned number = 1; number < threads; ++number)
        threads_.emplace_back([this, number] { live(number); });
}

Team::~Team()
{
    work_ = nullptr;
    start_.arrive_and_wait();
}

double Team::run(const std::function<void(unsigned)> &work)
{
    work_ = &work;
    awake_ = 0;
    start_.arrive_and_wait();
    take_part(0);
    Ticks begin = members_[0].begin;
    Ticks end = members_[0].end;
    for (const Member &member : members_) {
        if (member.failure)
            std::rethrow_exception(member.failure);
        begin = std::min(begin, member.begin);
        end = std::max(end, member.end);
    }
    return static_cast<double>(end - begin) * nanoseconds_per_tick();
}

void Team::live(unsigned number)
{
    for (;;) {
        start_.arrive_and_wait();
        if (work_ == nullptr)
            return;
        take_part(number);
    }
}

void Team::take_part(unsigned number)
{
    Member &member = members_[number];
    // Waking up takes longer than many an append, so nobody begins before all are awake.
    ++awake_;
    while (awake_ != members_.size())
        std::this_thread::yield();
    member.begin = ticks();
    try {
        (*work_)(number);
    } catch (...) {
        member.failure = std::current_exception();
    }
    member.end = ticks();
    end_.arrive_and_wait();
}

} // namespace bench
