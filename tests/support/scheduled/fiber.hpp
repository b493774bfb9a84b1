// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// A thread of execution with a stack of its own, that runs only when it is switched to.
#pragma once

#include <cstddef>
#include <ucontext.h>

namespace pms::scheduled {

class Fiber {
public:
    // The calling thread's own.
    Fiber() = default;
    // One with a stack. Throws std::system_error.
    explicit Fiber(std::size_t stack_size);
    ~Fiber();
    Fiber(const Fiber &) = delete;
    Fiber &operator=(const Fiber &) = delete;

    // The next switch to it calls entry(argument), which must not return. It may have been started before.
    void start(void (*entry)(void *), void *argument);
    // Gives the processor to `to`; returns when somebody gives it back. `ends`: nobody will.
    void switch_to(Fiber &to, bool ends = false);

private:
    static void enter(unsigned high, unsigned low);
    void arrive();

    ucontext_t context_{};
    bool owns_stack_ = false;
    void *stack_ = nullptr;
    std::size_t stack_size_ = 0;
    void (*entry_)(void *) = nullptr;
    void *argument_ = nullptr;
    // What the language keeps for each thread.
    struct {
        void *caught;
        unsigned uncaught;
    } exceptions_{};
    int errno_ = 0;
    // What sanitizers keep for each stack.
    void *shadow_ = nullptr;
    Fiber *came_from_ = nullptr;
};

} // namespace pms::scheduled
