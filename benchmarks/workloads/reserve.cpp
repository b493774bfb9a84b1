// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

#include "contenders/pmemstream.hpp"
#include "workloads/contest.hpp"
#include "workloads/workload.hpp"

namespace bench {

void run_reserve(const Context &context, Results &results)
{
    Stream stream(map_touched(context.medium));
    Region region(stream.get(), stream.largest_region_size());
    Contest contest;
    contest.add(name::pmemstream, make_reserve_publish(region));
    contest.add_floors(name::floor, context.medium, FloorStores::packed_16, FloorStores::packed_32);
    contest.add(name::cached, make_floor(context.medium, FloorStores::cached));
    for (const std::size_t size : {8, 64, 256, 1024, 4096, 16384, 65536})
        contest.run({"reserve", size}, name::pmemstream, context.effort, results);
}

} // namespace bench
