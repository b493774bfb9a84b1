// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

#include "workloads/workload.hpp"

namespace bench {

const std::vector<Workload> &workloads()
{
    static const std::vector<Workload> all = {
        {"sync", "synchronous appends of 8 bytes to 64 KiB", run_sync},
        {"reserve", "reserving, writing in place and publishing", run_reserve},
        {"async", "asynchronous appends, a wait for every 256", run_async},
        {"threads", "synchronous appends by 1 to 16 threads", run_threads},
        {"latency", "synchronous appends timed one by one, by 1, 2 and 16 threads", run_latency},
        {"files", "synchronous appends of 1 KiB to files on a disk, by 1 to 16 threads", run_files},
        {"iterate", "iterating over entries", run_iterate},
        {"open", "opening and a first append, after a clean close and after kill -9", run_open},
        {"space", "bytes that an entry takes", run_space},
    };
    return all;
}

} // namespace bench
