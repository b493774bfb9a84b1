// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// What the floor stores is the record, whole, and nothing besides: a floor that stores less would be too low.

#include "contenders/nontemporal.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <vector>

namespace bench {
namespace {

constexpr std::byte untouched{0xee};

constexpr std::size_t sizes[] = {0, 8, 16, 24, 32, 40, 48, 56, 64, 72, 80, 112, 120, 128, 256, 1024, 4096};

class Floor : public ::testing::Test {
protected:
    using Memory = std::vector<std::byte>;

    Floor()
    {
        for (std::size_t i = 0; i < data.size(); ++i)
            data[i] = static_cast<std::byte>(1 + i % 199);
    }

    // What is in some lines when a record was stored there by `store`, which is given the place.
    template <typename Store>
    static Memory memory_after(std::size_t offset, Store store)
    {
        Memory memory(memory_size + line_size, untouched);
        std::byte *const line = memory.data() + (-reinterpret_cast<std::uintptr_t>(memory.data())) % line_size;
        store(line + offset);
        _mm_sfence();
        return {line, line + memory_size};
    }

    // With zeros from the end of the record to `end`.
    Memory expected(std::size_t offset, std::size_t size, std::size_t end) const
    {
        Memory memory(memory_size, untouched);
        std::memcpy(memory.data() + offset, &header, sizeof header);
        std::memcpy(memory.data() + offset + sizeof header, data.data(), size);
        std::memset(memory.data() + offset + sizeof header + size, 0, end - (offset + sizeof header + size));
        return memory;
    }

    template <typename Stores>
    void check_packed(std::size_t size) const
    {
        for (std::size_t offset = 0; offset < line_size; offset += 8) {
            const Memory memory =
                memory_after(offset, [&](std::byte *to) { stream_packed<Stores>(to, header, data.data(), size); });
            EXPECT_EQ(memory, expected(offset, size, offset + header_size + size)) << size << " at " << offset;
        }
    }

    template <typename Stores>
    void check_full_lines(std::size_t size) const
    {
        const Memory memory =
            memory_after(0, [&](std::byte *to) { stream_full_lines<Stores>(to, header, data.data(), size); });
        EXPECT_EQ(memory, expected(0, size, (header_size + size + line_size - 1) / line_size * line_size)) << size;
    }

    static constexpr std::size_t memory_size = 4096 + 4 * line_size;
    const Header header = {{0x1122334455667788, 0x0123456789abcdef}};
    std::array<std::byte, 4096> data;
};

TEST_F(Floor, StoresARecordAtEveryPlaceOfALine)
{
    for (const std::size_t size : sizes) {
        check_packed<Stores16>(size);
        if (available(FloorStores::packed_32))
            check_packed<Stores32>(size);
    }
}

TEST_F(Floor, FillsLines)
{
    for (const std::size_t size : sizes) {
        check_full_lines<Stores16>(size);
        if (available(FloorStores::lines_32))
            check_full_lines<Stores32>(size);
    }
}

} // namespace
} // namespace bench
