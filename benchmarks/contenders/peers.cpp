// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

#include "contenders/peers.hpp"

namespace bench {

bool has_pmemlog()
{
#ifdef BENCH_WITH_LIBPMEMLOG
    return true;
#else
    return false;
#endif
}

#ifndef BENCH_WITH_LIBPMEMLOG
LogPtr make_pmemlog(const Medium &)
{
    return nullptr;
}
#endif

std::vector<Peer> built_peers()
{
    return {
#ifdef BENCH_WITH_ROCKSDB
        rocksdb_peer,
#endif
#ifdef BENCH_WITH_LEVELDB
        leveldb_peer,
#endif
#ifdef BENCH_WITH_LMDB
        lmdb_peer,
#endif
#ifdef BENCH_WITH_SQLITE
        sqlite_peer,
#endif
    };
}

} // namespace bench
