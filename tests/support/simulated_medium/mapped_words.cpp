// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

#include "medium/mapped_words.hpp"

#include <algorithm>
#include <cerrno>
#include <sys/mman.h>
#include <system_error>
#include <unistd.h>

namespace pms {
namespace {

constexpr std::size_t page = 4096;

// With pages around it that nobody may touch.
void *map(int fd, std::size_t bytes, int protection)
{
    void *reserved = mmap(nullptr, bytes + 3 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (reserved == MAP_FAILED)
        throw std::system_error(errno, std::generic_category(), "mmap");
    void *address = mmap(static_cast<char *>(reserved) + page, bytes, protection, MAP_SHARED | MAP_FIXED, fd, 0);
    if (address == MAP_FAILED)
        throw std::system_error(errno, std::generic_category(), "mmap");
    return address;
}

void unmap(const void *address, std::size_t bytes)
{
    munmap(const_cast<char *>(static_cast<const char *>(address)) - page, bytes + 3 * page);
}

} // namespace

MappedWords::MappedWords(std::size_t count) : count_(count), bytes_(std::max<std::size_t>(count, 1) * 8)
{
    const int fd = memfd_create("simulated image", MFD_CLOEXEC);
    if (fd < 0 || ftruncate(fd, static_cast<off_t>(bytes_)) != 0)
        throw std::system_error(errno, std::generic_category(), "memfd_create");
    writable_ = static_cast<std::uint64_t *>(map(fd, bytes_, PROT_READ | PROT_WRITE));
    readable_ = static_cast<const std::uint64_t *>(map(fd, bytes_, PROT_READ));
    close(fd);
}

MappedWords::~MappedWords()
{
    unmap(writable_, bytes_);
    unmap(readable_, bytes_);
}

} // namespace pms
