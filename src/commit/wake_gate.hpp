// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// What a data mover is given to wake a stream by. A mover may call it late, when its copy was found complete and the
// stream was deleted long ago: a gate outlives its stream. It is used again for another, and never freed; a late call
// then only makes somebody look once more.
#pragma once

#include "sync/sync.hpp"

namespace pms {

class Copies;

class WakeGate {
public:
    // A gate that leads to `copies`. Throws std::bad_alloc.
    static WakeGate *acquire(Copies &copies);
    // After this returned nothing reaches what it led to.
    static void release(WakeGate *gate) noexcept;

    // A future_waker_wake_fn.
    static void wake(void *gate) noexcept;

private:
    sync::mutex mutex_;
    sync::condition_variable idle_;
    Copies *copies_ = nullptr;
    unsigned calls_ = 0; // under way; the mutex is not held meanwhile, since wakers may come back here
    WakeGate *next_unused_ = nullptr;
};

} // namespace pms
