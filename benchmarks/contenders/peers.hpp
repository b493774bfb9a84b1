// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// The other logs and stores, as far as their packages were found when this program was built.
#pragma once

#include "contenders/log.hpp"
#include "medium.hpp"

#include <vector>

namespace bench {

inline constexpr std::size_t smallest_pmemlog = std::size_t{2} << 20;

bool has_pmemlog();
// Null without libpmemlog.
LogPtr make_pmemlog(const Medium &medium);

// A store that keeps entries by their number.
struct Peer {
    const char *name;
    const char *settings;
    LogPtr (*make)(const Medium &medium);
};

extern const Peer rocksdb_peer;
extern const Peer lmdb_peer;
extern const Peer leveldb_peer;
extern const Peer sqlite_peer;

std::vector<Peer> built_peers();

} // namespace bench
