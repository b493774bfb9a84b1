// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

#include "crash/explorer/seen.hpp"

#include <algorithm>
#include <cerrno>
#include <sys/mman.h>
#include <system_error>

namespace explorer {
namespace {

constexpr int max_probes = 4096;

} // namespace

void *shared_memory(std::size_t bytes)
{
    void *address = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (address == MAP_FAILED)
        throw std::system_error(errno, std::generic_category(), "mmap");
    return address;
}

Seen::Seen(std::size_t capacity)
    : capacity_(capacity),
      slots_(static_cast<std::atomic<std::uint64_t> *>(shared_memory((capacity + 1) * sizeof(std::uint64_t)))),
      overflown_(slots_ + capacity)
{}

Seen::~Seen()
{
    munmap(slots_, (capacity_ + 1) * sizeof(std::uint64_t));
}

bool Seen::contains(std::uint64_t hash) const
{
    hash = std::max<std::uint64_t>(hash, 1);
    std::size_t place = hash & (capacity_ - 1);
    for (int probes = 0; probes < max_probes; ++probes) {
        const std::uint64_t there = slots_[place].load(std::memory_order_relaxed);
        if (there == 0 || there == hash)
            return there == hash;
        place = (place + 1) & (capacity_ - 1);
    }
    return false;
}

bool Seen::insert(std::uint64_t hash)
{
    hash = std::max<std::uint64_t>(hash, 1);
    std::size_t place = hash & (capacity_ - 1);
    for (int probes = 0; probes < max_probes; ++probes) {
        std::uint64_t there = slots_[place].load(std::memory_order_relaxed);
        if (there == 0 && slots_[place].compare_exchange_strong(there, hash, std::memory_order_relaxed))
            return true;
        if (there == hash)
            return false;
        place = (place + 1) & (capacity_ - 1);
    }
    overflown_->fetch_add(1, std::memory_order_relaxed);
    return true;
}

} // namespace explorer
