// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

#include "contenders/settings.hpp"

#include "contenders/peers.hpp"
#include "workloads/workload.hpp"

namespace bench {

std::vector<Setting> contender_settings()
{
    std::vector<Setting> settings = {
        {"pmemstream", "libpmemstream " PMEMSTREAM_VERSION ", blocks of 4096 bytes, the region's runtime given to each "
                       "call. A full region is freed and allocated again between two slices."},
        {"floor",
         "the stores of the same bytes (a header of 16, the data, packed at 8) and one sfence: non-temporal, 8 "
         "bytes at a time in lines that are covered in part, 16 or 32 in whole ones, whichever is faster."},
        {"floor, full lines", "the same where each record begins a line and fills its last one."},
        {"floor, stores and flushes", "ordinary stores of the same bytes, each line flushed once by libpmem2's flush, "
                                      "one sfence; of a batch: one sfence for 256 entries."},
    };
    settings.push_back(
        {name::written, "pwrite and fdatasync by one thread, to a file all of which was written before."});
    settings.push_back({name::allocated, "the same to a file that posix_fallocate made."});
    settings.push_back({name::group_floor, "threads that copy into a map of a file that was written before; the last "
                                           "of them syncs for all, by fdatasync. No log does less."});
    if (has_pmemlog())
        settings.push_back({"libpmemlog", "pmemlog_append; a full log is rewound between two slices."});
    for (const Peer &peer : built_peers())
        settings.push_back({peer.name, peer.settings});
    return settings;
}

} // namespace bench
