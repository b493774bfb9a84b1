// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

#include "commands.hpp"
#include "output.hpp"
#include "stream.hpp"

namespace tool {

int grow(const GrowOptions &options)
{
    const Stream stream = open_to_write(options.path, {});
    const std::uint64_t before = get_info(options.path, stream.get()).size;
    if (pmemstream_grow(stream.get(), options.size) != 0)
        throw library_failure(options.path);
    const pmemstream_info info = get_info(options.path, stream.get());

    Output output;
    output.print("grew {} from {} to {} bytes, {} for entries of a new region, on {}\n", options.path, before,
                 info.size, info.largest_free_size, describe(info));
    output.flush();
    return exit_fine;
}

} // namespace tool
