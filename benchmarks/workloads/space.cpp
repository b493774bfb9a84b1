// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

#include "contenders/pmemstream.hpp"
#include "workloads/contest.hpp"
#include "workloads/workload.hpp"

namespace bench {

void run_space(const Context &context, Results &results)
{
    constexpr std::size_t size = 64;
    Stream stream(map_touched(context.medium));
    Region region(stream.get(), stream.largest_region_size());
    pmemstream_entry entries[2];
    for (pmemstream_entry &entry : entries)
        if (pmemstream_append(stream.get(), region.get(), region.runtime(), entry_data(), size, &entry) != 0)
            fail_in_pmemstream("append");
    const auto bytes = static_cast<double>(entries[1].offset - entries[0].offset);
    results.values.push_back({{"space", size}, name::pmemstream, "bytes", {bytes, bytes, bytes}});
}

} // namespace bench
