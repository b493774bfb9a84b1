// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

#include "crash/explorer/seen.hpp"

#include <cerrno>
#include <sys/mman.h>
#include <system_error>

namespace explorer {
namespace {

constexpr int max_probes = 4096;
constexpr std::size_t recent = 1 << 14;

} // namespace

void *shared_memory(std::size_t bytes)
{
    void *address = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (address == MAP_FAILED)
        throw std::system_error(errno, std::generic_category(), "mmap");
    return address;
}

Seen::Seen(std::size_t capacity)
    : capacity_(capacity), recent_(recent),
      slots_(static_cast<std::atomic<std::uint64_t> *>(shared_memory((capacity + 1) * sizeof(std::uint64_t)))),
      overflown_(slots_ + capacity)
{}

Seen::~Seen()
{
    munmap(slots_, (capacity_ + 1) * sizeof(std::uint64_t));
}

unsigned Seen::raise(std::uint64_t hash, unsigned level)
{
    hash &= ~std::uint64_t{max_level};
    std::uint64_t &last = recent_[hash >> 32 & (recent - 1)];
    if ((last & ~std::uint64_t{max_level}) == hash && (last & max_level) >= level)
        return static_cast<unsigned>(last & max_level);
    last = hash | level;
    std::size_t place = hash / (max_level + 1) & (capacity_ - 1);
    for (int probes = 0; probes < max_probes; ++probes) {
        std::uint64_t there = slots_[place].load(std::memory_order_relaxed);
        while (there == 0 || (there & ~std::uint64_t{max_level}) == hash) {
            const auto before = static_cast<unsigned>(there & max_level);
            if (before >= level)
                return before;
            if (slots_[place].compare_exchange_weak(there, hash | level, std::memory_order_relaxed))
                return before;
        }
        place = (place + 1) & (capacity_ - 1);
    }
    overflown_->fetch_add(1, std::memory_order_relaxed);
    return 0;
}

} // namespace explorer
