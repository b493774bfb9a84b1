// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// Group commit: of the threads that wait for the same medium, one syncs for all, in rounds.
//
// Who was served by a sync comes back with its next entry a moment later. A sync that began at once would find only the
// first of them, and the others would wait for the one after it: half the entries for each flush of the device. So a
// round begins when as many wait as took part in the last one, those counted who came while it ran; but no later than
// the time of a sync after that one's end, and at once for a number of rounds after waiting was in vain, which doubles
// each time. A lone thread never waits. PostgreSQL's commit_delay and MariaDB's binlog_commit_wait_count are the same
// idea with figures that a person has to find.
#pragma once

#include "sync/sync.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace pms {

class GroupCommit {
public:
    using Duration = std::chrono::nanoseconds;

    // With a `delay` a round begins so long after the first came who takes part, however many do.
    explicit GroupCommit(Duration delay) noexcept : delay_(delay) {}
    GroupCommit(const GroupCommit &) = delete;
    GroupCommit &operator=(const GroupCommit &) = delete;

    // Takes part in the next round: one of those who do calls sync(), once, when no other is under way. Returns when it
    // is over, or earlier if done() becomes true, which only a sync can make it.
    template <typename Done, typename Sync>
    void take_part(Done done, Sync sync)
    {
        const Ticket ticket = arrive();
        for (;;) {
            const std::uint32_t ended = ended_.load(std::memory_order_acquire);
            if (is_over(ticket, ended))
                return;
            if (done())
                return leave(ticket);
            Time until{};
            if (begin(ticket, until)) {
                const Time from = sync::clock::now();
                sync();
                return end(sync::clock::now() - from);
            }
            sync::wait_until(ended_, ended, until);
        }
    }

private:
    using Time = sync::clock::time_point;

    struct Ticket {
        std::uint32_t round;
        bool is_first; // who begins the round if too few come
    };

    // Numbers of rounds wrap around.
    static bool is_over(const Ticket &ticket, std::uint32_t ended) noexcept
    {
        return static_cast<std::int32_t>(ended - ticket.round) >= 0;
    }
    Ticket arrive() noexcept;
    void leave(const Ticket &ticket) noexcept;
    // Tells whether the caller is to sync. If not, `until` is when to ask again if no round ends before.
    bool begin(const Ticket &ticket, Time &until) noexcept;
    void end(Duration took) noexcept;

    const Duration delay_;

    sync::atomic<std::uint32_t> ended_{0}; // the last round that ended; written with the mutex held
    sync::mutex mutex_;
    std::uint32_t begun_ = 0;  // the last round that began: it, or the one before it, is the last that ended
    std::size_t waiting_ = 0;  // for the next one
    std::size_t served_ = 0;   // by the last that began
    std::size_t expected_ = 1; // to take part in the next
    Time due_{};               // when that begins at the latest
    Duration usual_{};         // what a sync takes
    unsigned in_vain_ = 0;     // so often in a row fewer came than were waited for
    unsigned at_once_ = 0;     // rounds that begin without waiting
};

} // namespace pms
