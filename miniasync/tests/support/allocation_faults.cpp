// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

#include "allocation_faults.hpp"

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <new>

// What these functions hide: a sanitizer's, if there is one, else the C library's. dlsym() would allocate by itself.
extern "C" {
[[gnu::weak]] void *__interceptor_malloc(std::size_t);
[[gnu::weak]] void *__interceptor_calloc(std::size_t, std::size_t);
[[gnu::weak]] void *__interceptor_realloc(void *, std::size_t);
[[gnu::weak]] void *__interceptor_memalign(std::size_t, std::size_t);
[[gnu::weak]] void __interceptor_free(void *);
void *__libc_malloc(std::size_t);
void *__libc_calloc(std::size_t, std::size_t);
void *__libc_realloc(void *, std::size_t);
void *__libc_memalign(std::size_t, std::size_t);
void __libc_free(void *);
}

namespace {

template <typename Function>
Function *hidden(Function *sanitizers, Function *own) noexcept
{
    return sanitizers != nullptr ? sanitizers : own;
}

thread_local AllocationFaults *armed = nullptr;
std::atomic<long> live = 0;

template <typename Allocate>
void *attempt(Allocate allocate) noexcept
{
    if (AllocationFaults::strikes()) {
        errno = ENOMEM;
        return nullptr;
    }
    void *memory = allocate();
    if (memory != nullptr)
        live.fetch_add(1, std::memory_order_relaxed);
    return memory;
}

void *thrown_if_null(void *memory)
{
    return memory != nullptr ? memory : throw std::bad_alloc();
}

std::size_t number(std::align_val_t alignment) noexcept
{
    return static_cast<std::size_t>(alignment);
}

} // namespace

AllocationFaults::Armed::Armed(AllocationFaults &faults) noexcept
{
    armed = &faults;
}

AllocationFaults::Armed::~Armed()
{
    armed = nullptr;
}

AllocationFaults::Spared::Spared() noexcept : armed_(armed)
{
    armed = nullptr;
}

AllocationFaults::Spared::~Spared()
{
    armed = armed_;
}

bool AllocationFaults::strikes() noexcept
{
    if (armed == nullptr)
        return false;
    const long count = ++armed->count_;
    return count == armed->n_ || (count > armed->n_ && armed->and_all_after_);
}

long AllocationFaults::live_blocks() noexcept
{
    return live.load(std::memory_order_relaxed);
}

bool AllocationFaults::in_use() noexcept
{
    AllocationFaults faults(1);
    void *memory = faults.run([] { return ::operator new(1, std::nothrow); });
    ::operator delete(memory);
    return memory == nullptr;
}

extern "C" {

void *malloc(std::size_t size)
{
    return attempt([&] { return hidden(__interceptor_malloc, __libc_malloc)(size); });
}

void *calloc(std::size_t count, std::size_t size)
{
    return attempt([&] { return hidden(__interceptor_calloc, __libc_calloc)(count, size); });
}

void *realloc(void *memory, std::size_t size)
{
    if (memory == nullptr)
        return malloc(size);
    if (size == 0) {
        free(memory);
        return nullptr;
    }
    if (AllocationFaults::strikes()) {
        errno = ENOMEM;
        return nullptr;
    }
    return hidden(__interceptor_realloc, __libc_realloc)(memory, size);
}

void *memalign(std::size_t alignment, std::size_t size)
{
    return attempt([&] { return hidden(__interceptor_memalign, __libc_memalign)(alignment, size); });
}

void *aligned_alloc(std::size_t alignment, std::size_t size)
{
    return memalign(alignment, size);
}

int posix_memalign(void **memory, std::size_t alignment, std::size_t size)
{
    const int before = errno;
    void *allocated = memalign(alignment, size);
    errno = before;
    if (allocated == nullptr)
        return ENOMEM;
    *memory = allocated;
    return 0;
}

void free(void *memory)
{
    if (memory != nullptr)
        live.fetch_sub(1, std::memory_order_relaxed);
    hidden(__interceptor_free, __libc_free)(memory);
}

} // extern "C"

// A sanitizer has operators of its own, which do not come here.

void *operator new(std::size_t size)
{
    return thrown_if_null(malloc(size));
}
void *operator new[](std::size_t size)
{
    return thrown_if_null(malloc(size));
}
void *operator new(std::size_t size, const std::nothrow_t &) noexcept
{
    return malloc(size);
}
void *operator new[](std::size_t size, const std::nothrow_t &) noexcept
{
    return malloc(size);
}
void *operator new(std::size_t size, std::align_val_t alignment)
{
    return thrown_if_null(memalign(number(alignment), size));
}
void *operator new[](std::size_t size, std::align_val_t alignment)
{
    return thrown_if_null(memalign(number(alignment), size));
}
void operator delete(void *memory) noexcept
{
    free(memory);
}
void operator delete[](void *memory) noexcept
{
    free(memory);
}
void operator delete(void *memory, std::size_t) noexcept
{
    free(memory);
}
void operator delete[](void *memory, std::size_t) noexcept
{
    free(memory);
}
void operator delete(void *memory, const std::nothrow_t &) noexcept
{
    free(memory);
}
void operator delete[](void *memory, const std::nothrow_t &) noexcept
{
    free(memory);
}
void operator delete(void *memory, std::align_val_t) noexcept
{
    free(memory);
}
void operator delete[](void *memory, std::align_val_t) noexcept
{
    free(memory);
}
void operator delete(void *memory, std::size_t, std::align_val_t) noexcept
{
    free(memory);
}
void operator delete[](void *memory, std::size_t, std::align_val_t) noexcept
{
    free(memory);
}
