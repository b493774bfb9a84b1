// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// A data mover that copies when it is told to: an entry stays in flight for as long as the test likes, in the same way
// in each run.
#pragma once

#include <libminiasync.h>

#include <cstddef>
#include <deque>

namespace model {

class HeldMover {
public:
    HeldMover();
    HeldMover(const HeldMover &) = delete;
    HeldMover &operator=(const HeldMover &) = delete;

    struct vdm *mover() noexcept { return &interface_; }
    // Half of what each held operation has to copy is copied, and it stays held.
    void copy_half() noexcept;
    // Every operation so far may complete.
    void release() noexcept;
    // Nobody polls the operations so far again.
    void forget() noexcept { operations_.clear(); }

private:
    struct Operation {
        std::byte *to = nullptr; // nullptr: not started
        const std::byte *from = nullptr;
        std::size_t size = 0;
        bool released = false;
    };

    static void *start_new(struct vdm *vdm, vdm_operation_type type) noexcept;

    struct vdm interface_; // first: a pointer to it is one to the mover
    std::deque<Operation> operations_;
};

} // namespace model
