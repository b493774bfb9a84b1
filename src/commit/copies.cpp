// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

#include "commit/copies.hpp"

namespace pms {

void Copies::start(std::list<Copy> &&node) noexcept
{
    // Counted before it runs: who is woken by it while it is not in the list yet waits for the mutex, and finds it.
    running_.fetch_add(1, std::memory_order_seq_cst);
    const Polling guard(*this);
    if (poll(node.front()) == Poll::complete) {
        running_.fetch_sub(1, std::memory_order_release);
        return;
    }
    const bool notifies = node.front().notifies;
    copies_.splice(copies_.end(), node);
    // Who sleeps for a later timestamp saw no copy, and nobody will wake him when this one is complete: he has to poll.
    if (!notifies)
        commit_.notify_all();
}

void Copies::woken() noexcept
{
    // By a mover that wakes inside a poll of this very thread: who polls looks again anyway.
    if (poller_.load(std::memory_order_relaxed) == sync::this_thread_id()) {
        commit_.notify_all();
        return;
    }
    // Some copies can be completed only by the thread that made them. It does so before anybody's waker may wait for a
    // lock whose holder waits for the copy.
    advance(UINT64_MAX);
    commit_.notify_all();
    commit_.wake_futures();
}

Copies::Progress Copies::advance(std::uint64_t timestamp) noexcept
{
    Progress progress;
    if (running_.load(std::memory_order_seq_cst) == 0)
        return progress;
    const Polling guard(*this);
    for (auto copy = copies_.begin(); copy != copies_.end();) {
        if (copy->record.timestamp > timestamp) {
            ++copy;
            continue;
        }
        switch (poll(*copy)) {
        case Poll::complete:
            copy = copies_.erase(copy);
            running_.fetch_sub(1, std::memory_order_release);
            continue;
        case Poll::running_silently:
            progress.notifies = false;
            break;
        case Poll::running_notifies:
            break;
        }
        progress.running = true;
        ++copy;
    }
    return progress;
}

Copies::Poll Copies::poll(Copy &copy) noexcept
{
    future_notifier notifier{};
    notifier.waker = {gate_, WakeGate::wake};
    const bool starts = FUTURE_STATE(&copy.future) == FUTURE_STATE_IDLE;
    if (future_poll(FUTURE_AS_RUNNABLE(&copy.future), &notifier) == FUTURE_STATE_COMPLETE) {
        complete(copy);
        return Poll::complete;
    }
    // A mover takes its notifier when it starts, and is silent about it afterwards.
    if (starts)
        copy.notifies = notifier.notifier_used == FUTURE_NOTIFIER_WAKER;
    return copy.notifies ? Poll::running_notifies : Poll::running_silently;
}

void Copies::complete(Copy &copy) noexcept
{
    const std::uint64_t data = copy.offset + format::record_header_size;
    const vdm_operation &operation = FUTURE_DATA(&copy.future)->operation;
    if (FUTURE_OUTPUT(&copy.future)->result == VDM_SUCCESS)
        medium_.written(data, copy.record.size);
    else // A mover without memory for the operation: the calling thread copies.
        medium_.copy(data, operation.data.memcpy.src, copy.record.size);

    // The checksum is of the bytes stored, whatever the caller's buffer holds by now.
    const std::uint64_t hash = format::data_hash(medium_.at(data), copy.record.size, copy.region_seed);
    copy.record.checksum = format::record_checksum(copy.record, hash, copy.region_seed, copy.offset);
    medium_.store(copy.offset + offsetof(format::RecordHeader, second), format::encode(copy.record).second);
    commit_.mark(copy.record.timestamp, false);
}

} // namespace pms
