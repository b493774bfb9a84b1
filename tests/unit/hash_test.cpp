// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// XXH3 of bytes that are copied or streamed meanwhile, by the widest registers that there are and by the least.

#include "base/long_hash_with.hpp"

#include "base/checksum.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace pms {
namespace {

constexpr std::uint64_t seed = 12345;

std::vector<std::size_t> sizes()
{
    std::vector<std::size_t> sizes;
    for (std::size_t size = 0; size <= 2300; ++size)
        sizes.push_back(size);
    for (const std::size_t size : {4095, 4096, 4097, 8192, 65536, 65543})
        sizes.push_back(size);
    return sizes;
}

std::string some_bytes(std::size_t size)
{
    std::string bytes(size, '\0');
    for (std::size_t i = 0; i < size; ++i)
        bytes[i] = static_cast<char>(1 + (i * 7 + i / 251) % 255);
    return bytes;
}

const LongHash &by_least()
{
    static const LongHash least
    {
        long_hash_here, copy_and_hash_here,
#if defined(__x86_64__)
            stream_and_hash_here,
#else
            nullptr,
#endif
            add_to_hash_here
    };
    return least;
}

TEST(Hash, CopiesWhatItHashes)
{
    for (const LongHash *by : {&long_hash, &by_least()})
        for (const std::size_t size : sizes()) {
            const std::string bytes = some_bytes(size);
            std::string copy(size + 8, '\0');
            ASSERT_EQ(by->copy_and_hash(copy.data(), bytes.data(), size, seed),
                      XXH3_64bits_withSeed(bytes.data(), size, seed))
                << size;
            ASSERT_EQ(copy, bytes + std::string(8, '\0'));
        }
}

TEST(Hash, StreamsWhatItHashes)
{
    for (const LongHash *by : {&long_hash, &by_least()})
        for (const std::size_t size : sizes()) {
            if (size <= XXH3_MIDSIZE_MAX || by->stream_and_hash == nullptr)
                continue;
            const std::string bytes = some_bytes(size);
            const std::size_t padded = (size + 7) / 8 * 8;
            for (std::size_t place = 0; place < 64; place += 8) {
                std::vector<char> room(padded + 192, '\xff');
                char *const to = room.data() + (64 - reinterpret_cast<std::uintptr_t>(room.data()) % 64) % 64 + place;
                ASSERT_EQ(by->stream_and_hash(to, bytes.data(), size, seed),
                          XXH3_64bits_withSeed(bytes.data(), size, seed))
                    << size;
#if defined(__x86_64__)
                _mm_sfence();
#endif
                ASSERT_EQ(std::string(to, size), bytes);
                ASSERT_EQ(std::string(to + size, padded - size), std::string(padded - size, '\0')) << "the padding";
                ASSERT_TRUE(to[-1] == '\xff' || to == room.data());
                ASSERT_EQ(to[padded], '\xff') << "behind it";
            }
        }
}

TEST(Hash, OfPiecesIsTheSame)
{
    const std::string bytes = some_bytes(10000);
    for (const std::size_t piece : {1U, 100U, 256U, 1000U, 4096U}) {
        StreamingHash hash(seed);
        for (std::size_t done = 0; done < bytes.size(); done += piece)
            hash.update(bytes.data() + done, std::min(piece, bytes.size() - done));
        EXPECT_EQ(hash.digest(), XXH3_64bits_withSeed(bytes.data(), bytes.size(), seed));
    }
}

} // namespace
} // namespace pms
