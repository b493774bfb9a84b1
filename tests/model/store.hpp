// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// Where the stream under test lies, and what a crash leaves of it. Two make the interface: the simulated medium
// (simulated_store.cpp), and real maps of a file made by libpmem2 (file_store.cpp).
#pragma once

#include "data.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <random>

struct pmem2_map;

namespace model {

enum class Crash : std::uint8_t { kill, power_cut_losing_all, power_cut };

class Store {
public:
    Store() = default;
    Store(const Store &) = delete;
    Store &operator=(const Store &) = delete;
    virtual ~Store() = default;

    virtual pmem2_map *map() = 0;
    // What programs see.
    virtual const std::byte *bytes() const = 0;
    // The same for who may write, which need not be at the same address.
    virtual const std::byte *writable_bytes() = 0;
    // What is left if it happens now. A store that cannot simulate a power cut gives what a kill leaves.
    virtual Bytes after(Crash crash, std::mt19937_64 &random) const = 0;
    // Has `hook` called before each fence or sync completes, if the store can. nullptr: not any more.
    virtual void before_fence(std::function<void()> hook) = 0;
    // kill -9 of a process whose successor has the same caches, in which the same stores still wait to become durable:
    // between the two nothing is written, so that what the dead process owned can be given back. False: this store
    // cannot.
    virtual bool kill() = 0;
    virtual void revive() = 0;
};

// The media that the program was built for; a test runs on each.
struct MediumKind {
    int granularity; // enum pmem2_granularity
    const char *name;
};
std::vector<MediumKind> media();

std::unique_ptr<Store> make_store(const MediumKind &kind, const Bytes &content);

} // namespace model
