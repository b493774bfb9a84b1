// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// Movers that end with their scope.

#pragma once

#include "gate.hpp"

#include <libminiasync.h>

#include <cstring>
#include <memory>

struct MoverDeleter {
    void operator()(data_mover_threads *mover) const { data_mover_threads_delete(mover); }
    void operator()(data_mover_sync *mover) const { data_mover_sync_delete(mover); }
    void operator()(runtime *rt) const { runtime_delete(rt); }
};

using ThreadsMover = std::unique_ptr<data_mover_threads, MoverDeleter>;
using SyncMover = std::unique_ptr<data_mover_sync, MoverDeleter>;
using Runtime = std::unique_ptr<runtime, MoverDeleter>;

inline ThreadsMover new_threads_mover(std::size_t threads, std::size_t ring, future_notifier_type notifier)
{
    return ThreadsMover(data_mover_threads_new(threads, ring, notifier));
}

// The gate that the workers of the current test pass before they copy. One at a time: a mover's functions have no
// argument for it.
inline Gate *copy_gate = nullptr;

inline void *gated_memcpy(void *dest, const void *src, size_t n, unsigned)
{
    copy_gate->pass();
    return std::memcpy(dest, src, n);
}

// A mover whose copies wait at a gate.
class GatedMover {
public:
    GatedMover(std::size_t threads, std::size_t ring, future_notifier_type notifier)
        : mover_(new_threads_mover(threads, ring, notifier))
    {
        copy_gate = &gate;
        data_mover_threads_set_memcpy_fn(mover_.get(), gated_memcpy);
    }

    ~GatedMover() { finish(); }

    struct vdm *vdm() { return data_mover_threads_get_vdm(mover_.get()); }
    data_mover_threads *get() { return mover_.get(); }

    // Opens the gate and deletes the mover.
    void finish()
    {
        gate.open();
        mover_.reset();
    }

    Gate gate;

private:
    ThreadsMover mover_;
};
