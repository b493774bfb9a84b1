// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

#include "commit/group_commit.hpp"

#include <algorithm>
#include <mutex>

namespace pms {
namespace {

constexpr GroupCommit::Duration least_patience = std::chrono::microseconds(10);
constexpr GroupCommit::Duration most_patience = std::chrono::milliseconds(5);
// Should the first who came be stopped, another begins the round this much later.
constexpr int patience_of_others = 8;
constexpr unsigned most_in_vain = 6; // then 63 rounds begin at once
// Waiting was in vain if less than three of four came: it may have taken as long as a sync.
constexpr std::size_t wanted_of_four = 3;

} // namespace

GroupCommit::Ticket GroupCommit::arrive() noexcept
{
    const std::lock_guard guard(mutex_);
    const bool is_first = waiting_++ == 0;
    if (is_first && delay_ != Duration::zero())
        due_ = sync::clock::now() + delay_;
    return {begun_ + 1, is_first};
}

void GroupCommit::leave(const Ticket &ticket) noexcept
{
    const std::lock_guard guard(mutex_);
    if (ticket.round == begun_ + 1)
        --waiting_;
}

bool GroupCommit::begin(const Ticket &ticket, Time &until) noexcept
{
    const std::lock_guard guard(mutex_);
    until = Time::max();
    if (begun_ != ended_.load(std::memory_order_relaxed) || ticket.round == begun_)
        return false;
    const bool waits = delay_ != Duration::zero() || (waiting_ < expected_ && at_once_ == 0);
    if (waits && sync::clock::now() < due_) {
        until = due_;
        if (!ticket.is_first)
            until += patience_of_others * std::max<Duration>(usual_, least_patience);
        return false;
    }
    if (at_once_ != 0) {
        --at_once_;
    } else if (waiting_ * 4 < expected_ * wanted_of_four) {
        in_vain_ = std::min(in_vain_ + 1, most_in_vain);
        at_once_ = (1U << in_vain_) - 1;
    } else {
        in_vain_ = 0;
    }
    ++begun_;
    served_ = waiting_;
    waiting_ = 0;
    return true;
}

void GroupCommit::end(Duration took) noexcept
{
    {
        const std::lock_guard guard(mutex_);
        expected_ = served_ + waiting_;
        // One sync that took long shall not make all wait as long.
        usual_ = usual_ == Duration::zero() ? took : usual_ + (std::min(took, 2 * usual_) - usual_) / 8;
        if (delay_ == Duration::zero())
            due_ = sync::clock::now() + std::clamp(usual_, least_patience, most_patience);
        ended_.store(begun_, std::memory_order_release);
    }
    sync::wake_all(ended_);
}

} // namespace pms
