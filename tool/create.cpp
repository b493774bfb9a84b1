// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

#include "commands.hpp"
#include "output.hpp"
#include "stream.hpp"

namespace tool {

int create(const CreateOptions &options)
{
    const Stream stream = create_stream(options.path, options.size, options.block_size, options.durability);
    const pmemstream_info info = get_info(options.path, stream.get());

    Output output;
    output.print("created {}: {} bytes in blocks of {}, {} for entries, on {}\n", options.path, info.size,
                 info.block_size, info.largest_free_size, describe(info));
    output.flush();
    return exit_fine;
}

} // namespace tool
