// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// The copies that data movers make for asynchronous appends. Whoever waits polls them, one thread at a time; the one
// who finds a copy complete hashes it, completes its record's header and marks it.
#pragma once

#include "commit/commit.hpp"
#include "commit/wake_gate.hpp"
#include "format/record.hpp"
#include "medium/medium.hpp"
#include "sync/sync.hpp"

#include <libminiasync/vdm.h>

#include <cstdint>
#include <list>

namespace pms {

class Copies {
public:
    struct Copy {
        std::uint64_t offset;      // of the record
        std::uint64_t region_seed; // of its checksum
        format::Record record;
        vdm_operation_future future;
        bool notifies = false; // the mover took the waker it was started with
    };

    // Throws std::bad_alloc.
    Copies(Medium &medium, Commit &commit) : medium_(medium), commit_(commit), gate_(WakeGate::acquire(*this)) {}
    ~Copies() { close(); }
    Copies(const Copies &) = delete;
    Copies &operator=(const Copies &) = delete;

    // Takes the copy, whose record has its timestamp and stands, without a valid checksum, in the medium. Starts it.
    // Never throws: the node was made before the timestamp was taken.
    void start(std::list<Copy> &&node) noexcept;

    // What movers' wakers do: completes what can be, and wakes whoever waits for it.
    void woken() noexcept;
    // No copy runs any more: after this returned no mover reaches this object.
    void close() noexcept
    {
        if (gate_ != nullptr)
            WakeGate::release(gate_);
        gate_ = nullptr;
    }

    struct Progress {
        bool running = false; // a copy with a timestamp up to the one asked for still runs
        bool notifies = true; // and each of those wakes whoever waits when it completes
    };
    // Polls the copies with timestamps up to `timestamp`.
    Progress advance(std::uint64_t timestamp) noexcept;

private:
    // Holds the mutex, and tells who does.
    class Polling {
    public:
        explicit Polling(Copies &copies) noexcept : copies_(copies), guard_(copies.mutex_)
        {
            copies_.poller_.store(sync::this_thread_id(), std::memory_order_relaxed);
        }
        ~Polling() { copies_.poller_.store({}, std::memory_order_relaxed); }
        Polling(const Polling &) = delete;
        Polling &operator=(const Polling &) = delete;

    private:
        Copies &copies_;
        const std::lock_guard<sync::mutex> guard_;
    };

    enum class Poll : std::uint8_t { complete, running_notifies, running_silently };
    Poll poll(Copy &copy) noexcept;
    void complete(Copy &copy) noexcept;

    Medium &medium_;
    Commit &commit_;
    WakeGate *gate_;
    sync::atomic<std::size_t> running_{0}; // so that nobody takes the mutex where no mover is used
    sync::mutex mutex_;
    sync::atomic<sync::thread_id> poller_{};
    std::list<Copy> copies_;
};

} // namespace pms
