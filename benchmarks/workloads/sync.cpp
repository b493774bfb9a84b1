// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

#include "contenders/peers.hpp"
#include "contenders/pmemstream.hpp"
#include "workloads/contest.hpp"
#include "workloads/workload.hpp"

namespace bench {

void run_sync(const Context &context, Results &results)
{
    Stream stream(map_touched(context.medium));
    Region region(stream.get(), stream.largest_region_size());
    Contest contest;
    contest.add(name::pmemstream, make_sync_appends(region));
    contest.add_floors(name::floor, context.medium, FloorStores::packed_16, FloorStores::packed_32);
    contest.add_floors(name::full_lines, context.medium, FloorStores::lines_16, FloorStores::lines_32);
    contest.add_if_there(name::pmemlog, make_pmemlog(context.medium));
    if (context.peers)
        for (const Peer &peer : built_peers())
            contest.add(peer.name, peer.make(context.medium));
    for (const std::size_t size : {8, 64, 256, 1024, 4096, 16384, 65536})
        contest.run({"sync", size}, name::pmemstream, context.effort, results);
}

} // namespace bench
