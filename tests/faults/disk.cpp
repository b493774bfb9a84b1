// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

#include "disk.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <mutex>
#include <random>
#include <stdexcept>
#include <sys/mman.h>
#include <vector>

namespace faults {
namespace {

constexpr std::size_t page_size = 4096;
constexpr std::size_t sector_size = 512;

struct State {
    std::mutex mutex;
    char *map = nullptr;
    std::size_t size = 0;
    std::string disk;
    std::vector<char> dropped; // by page: clean, and not on the disk
    std::uint64_t failing = 0;
    std::uint64_t syncs = 0;
    std::function<void()> when_failing;
};
State state;
struct sigaction handler_before;

// A store to a dropped page makes it dirty again.
void on_fault(int, siginfo_t *info, void *)
{
    auto *address = static_cast<char *>(info->si_addr);
    if (state.map == nullptr || address < state.map || address >= state.map + state.size) {
        sigaction(SIGSEGV, &handler_before, nullptr);
        return;
    }
    const std::size_t page = static_cast<std::size_t>(address - state.map) / page_size;
    __atomic_store_n(&state.dropped[page], 0, __ATOMIC_RELEASE);
    mprotect(state.map + page * page_size, page_size, PROT_READ | PROT_WRITE);
}

int sync(const char *address, std::size_t size)
{
    std::unique_lock lock(state.mutex);
    const bool fails = ++state.syncs == state.failing;
    if (fails && state.when_failing) {
        lock.unlock();
        state.when_failing();
        lock.lock();
    }
    const std::size_t first = static_cast<std::size_t>(address - state.map) / page_size;
    const std::size_t end = (static_cast<std::size_t>(address - state.map) + size + page_size - 1) / page_size;
    for (std::size_t page = first; page < std::min(end, state.dropped.size()); ++page) {
        if (fails) {
            // From here on a store is seen. One that comes before is not written either, which is as good as dropped.
            __atomic_store_n(&state.dropped[page], 1, __ATOMIC_RELEASE);
            mprotect(state.map + page * page_size, page_size, PROT_READ);
        } else if (__atomic_load_n(&state.dropped[page], __ATOMIC_ACQUIRE) == 0) {
            std::memcpy(state.disk.data() + page * page_size, state.map + page * page_size, page_size);
        }
    }
    if (!fails)
        return 0;
    errno = EIO;
    return -1;
}

} // namespace

Disk::Disk(pmem2_map *map, std::uint64_t failing_sync)
{
    state.map = static_cast<char *>(pmem2_map_get_address(map));
    state.size = pmem2_map_get_size(map);
    state.disk.assign(state.map, state.size);
    state.dropped.assign(state.size / page_size, 0);
    state.failing = failing_sync;
    state.syncs = 0;
    state.when_failing = nullptr;
    struct sigaction handler = {};
    handler.sa_sigaction = on_fault;
    handler.sa_flags = SA_SIGINFO;
    if (state.size % page_size != 0 || sigaction(SIGSEGV, &handler, &handler_before) != 0)
        throw std::runtime_error("no such disk");
}

Disk::~Disk()
{
    mprotect(state.map, state.size, PROT_READ | PROT_WRITE);
    state.map = nullptr;
    sigaction(SIGSEGV, &handler_before, nullptr);
}

std::string Disk::after_power_cut(std::uint64_t seed) const
{
    std::string left = state.disk;
    std::mt19937_64 random(seed);
    for (std::size_t sector = 0; seed != 0 && sector < state.size; sector += sector_size)
        if (random() % 2 == 0)
            std::memcpy(left.data() + sector, state.map + sector, sector_size);
    return left;
}

void Disk::when_failing(std::function<void()> call)
{
    state.when_failing = std::move(call);
}

void Disk::heal()
{
    state.failing = 0;
}

std::uint64_t Disk::syncs() const
{
    return state.syncs;
}

} // namespace faults

// The library's calls come here.
extern "C" int msync(void *address, size_t size, int)
{
    return faults::sync(static_cast<const char *>(address), size);
}
