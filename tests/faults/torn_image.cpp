// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

#include "torn_image.hpp"

#include "stream_file.hpp"

#include <cstring>

namespace faults {

TornImage torn_image(std::size_t size)
{
    StreamFile file(size);
    pmemstream *stream = nullptr;
    EXPECT_EQ(pmemstream_from_map(&stream, torn_block_size, file.map()), 0);
    pmemstream_region regions[2];
    for (pmemstream_region &region : regions)
        EXPECT_EQ(pmemstream_region_allocate(stream, 20000, &region), 0);
    pmemstream_entry reserved{};
    pmemstream_entry lost{};
    void *data = nullptr;
    const auto async_append = [&](pmemstream_region region, const char *text) {
        pmemstream_entry entry{};
        EXPECT_EQ(pmemstream_async_append(stream, nullptr, region, nullptr, text, std::strlen(text), &entry), 0);
        return entry;
    };
    async_append(regions[0], "first"); // 1
    EXPECT_EQ(pmemstream_reserve(stream, regions[1], nullptr, 8, &reserved, &data), 0);
    async_append(regions[1], "behind a dropped one"); // 2
    lost = async_append(regions[0], "lost");          // 3
    std::memcpy(data, "dropped", 7);
    EXPECT_EQ(pmemstream_async_publish(stream, regions[1], nullptr, reserved, 7), 0); // 4
    for (int i = 0; i < 20; ++i)
        async_append(regions[1], "dropped as well");
    std::string bytes = file.bytes();
    std::memset(bytes.data() + lost.offset, 0, 16);
    pmemstream_delete(&stream);
    return {bytes, {{1, {regions[0].offset, "first"}}, {2, {regions[1].offset, "behind a dropped one"}}}};
}

} // namespace faults
