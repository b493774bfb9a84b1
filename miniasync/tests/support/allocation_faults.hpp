// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// Lets allocations fail. A program that links allocation_faults.cpp has its malloc() and its operators replaced, and
// with them those of all libraries it uses.

#pragma once

class AllocationFaults {
public:
    // Of the allocations that one thread makes inside run() the n-th fails, 1 being the first; with `and_all_after` all
    // that follow fail, too.
    explicit AllocationFaults(long n, bool and_all_after = false) noexcept : n_(n), and_all_after_(and_all_after) {}
    AllocationFaults(const AllocationFaults &) = delete;
    AllocationFaults &operator=(const AllocationFaults &) = delete;

    template <typename F>
    auto run(F f)
    {
        const Armed armed(*this);
        return f();
    }

    // In run(): f's allocations do not fail, nor count.
    template <typename F>
    static auto spare(F f)
    {
        const Spared spared;
        return f();
    }

    // Whether there was an n-th allocation.
    bool met() const noexcept { return count_ >= n_; }

    // Whether this allocation is to fail.
    static bool strikes() noexcept;
    // Blocks of all threads that were allocated and not freed.
    static long live_blocks() noexcept;
    // False where a tool such as valgrind has put its own functions in the place of these.
    static bool in_use() noexcept;

private:
    class Armed {
    public:
        explicit Armed(AllocationFaults &faults) noexcept;
        ~Armed();
        Armed(const Armed &) = delete;
        Armed &operator=(const Armed &) = delete;
    };
    class Spared {
    public:
        Spared() noexcept;
        ~Spared();
        Spared(const Spared &) = delete;
        Spared &operator=(const Spared &) = delete;

    private:
        AllocationFaults *const armed_;
    };

    const long n_;
    const bool and_all_after_;
    long count_ = 0;
};
