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

void *map(int fd, std::size_t bytes, int protection)
{
    void *address = mmap(nullptr, bytes, protection, MAP_SHARED, fd, 0);
    if (address == MAP_FAILED)
        throw std::system_error(errno, std::generic_category(), "mmap");
    return address;
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
    munmap(writable_, bytes_);
    munmap(const_cast<std::uint64_t *>(readable_), bytes_);
}

} // namespace pms
