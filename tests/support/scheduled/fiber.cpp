// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

#include "sync/fiber.hpp"

#include "sync/untracked.hpp"

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <cxxabi.h>
#include <sys/mman.h>
#include <system_error>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/common_interface_defs.h>
#endif
#if defined(__SANITIZE_THREAD__)
#include <sanitizer/tsan_interface.h>
#endif

namespace pms::scheduled {
namespace {

// Below each stack, so that an overflow is a fault.
constexpr std::size_t guard = 4096;

} // namespace

Fiber::Fiber(std::size_t stack_size) : owns_stack_(true), stack_size_(stack_size)
{
    auto *memory = static_cast<char *>(
        mmap(nullptr, guard + stack_size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
    if (memory == MAP_FAILED || mprotect(memory + guard, stack_size, PROT_READ | PROT_WRITE) != 0)
        throw std::system_error(errno, std::generic_category(), "mmap");
    stack_ = memory + guard;
}

Fiber::~Fiber()
{
#if defined(__SANITIZE_THREAD__)
    if (owns_stack_ && shadow_ != nullptr)
        __tsan_destroy_fiber(shadow_);
#endif
    if (owns_stack_)
        munmap(static_cast<char *>(stack_) - guard, guard + stack_size_);
}

void Fiber::start(void (*entry)(void *), void *argument)
{
    entry_ = entry;
    argument_ = argument;
    exceptions_ = {};
    errno_ = 0;
#if defined(__SANITIZE_THREAD__)
    if (shadow_ != nullptr)
        __tsan_destroy_fiber(shadow_);
    shadow_ = __tsan_create_fiber(0);
#else
    shadow_ = nullptr;
#endif
    getcontext(&context_);
    context_.uc_stack.ss_sp = stack_;
    context_.uc_stack.ss_size = stack_size_;
    context_.uc_link = nullptr;
    const auto self = reinterpret_cast<std::uintptr_t>(this);
    // makecontext() passes ints.
    makecontext(&context_, reinterpret_cast<void (*)()>(&Fiber::enter), 2, static_cast<unsigned>(self >> 32),
                static_cast<unsigned>(self));
}

void Fiber::enter(unsigned high, unsigned low)
{
    // What is not the library's is not looked at.
    untracked_begin();
    auto *self = reinterpret_cast<Fiber *>(std::uintptr_t{high} << 32 | low);
    self->arrive();
    self->entry_(self->argument_);
}

void Fiber::arrive()
{
#if defined(__SANITIZE_ADDRESS__)
    const void *bottom = nullptr;
    std::size_t size = 0;
    __sanitizer_finish_switch_fiber(shadow_, &bottom, &size);
    // The thread's own stack is known from here only.
    if (came_from_ != nullptr && !came_from_->owns_stack_) {
        came_from_->stack_ = const_cast<void *>(bottom);
        came_from_->stack_size_ = size;
    }
#endif
    std::memcpy(static_cast<void *>(abi::__cxa_get_globals()), &exceptions_, sizeof exceptions_);
    errno = errno_;
}

void Fiber::switch_to(Fiber &to, [[maybe_unused]] bool ends)
{
    std::memcpy(&exceptions_, static_cast<const void *>(abi::__cxa_get_globals()), sizeof exceptions_);
    errno_ = errno;
    to.came_from_ = this;
#if defined(__SANITIZE_ADDRESS__)
    __sanitizer_start_switch_fiber(ends ? nullptr : &shadow_, to.stack_, to.stack_size_);
#elif defined(__SANITIZE_THREAD__)
    if (shadow_ == nullptr)
        shadow_ = __tsan_get_current_fiber();
    void *shadow = to.shadow_;
    if (ends)
        untracked_end();
    // It orders nothing: only what the threads themselves do may.
    __tsan_switch_to_fiber(shadow, __tsan_switch_to_fiber_no_sync);
#endif
    swapcontext(&context_, &to.context_);
    arrive();
}

} // namespace pms::scheduled
