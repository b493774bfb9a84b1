// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

#include "contenders/written_file.hpp"

#include "failure.hpp"

#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>

namespace bench {
namespace {

// As packed as a stream's records.
constexpr std::uint64_t packed(std::size_t entry_size)
{
    return 16 + (entry_size + 7) / 8 * 8;
}

void sync(const File &file)
{
    require(fdatasync(file.descriptor()) == 0, fmt::format("fdatasync: {}", std::strerror(errno)));
}

class WrittenFile final : public LogLoops<WrittenFile> {
public:
    WrittenFile(const Disk &disk, bool written) : file_(disk.directory, disk.size), size_(disk.size)
    {
        // By pages, since pages that were written together are synced together.
        const std::vector<std::byte> page(4096);
        for (std::uint64_t at = 0; written && at < size_; at += page.size())
            write(page.data(), page.size(), at);
        sync(file_);
    }

    std::uint64_t capacity(std::size_t size) const override { return size_ / packed(size); }
    void make_room(std::size_t size, std::uint64_t count) override
    {
        if (size_ - used_ < count * packed(size))
            used_ = 0;
    }

    void append_one(const std::byte *data, std::size_t size)
    {
        write(data, size, used_);
        used_ += packed(size);
        sync(file_);
    }

private:
    void write(const std::byte *data, std::size_t size, std::uint64_t at) const
    {
        require(pwrite(file_.descriptor(), data, size, static_cast<off_t>(at)) == static_cast<ssize_t>(size),
                fmt::format("pwrite: {}", std::strerror(errno)));
    }

    File file_;
    std::uint64_t size_;
    std::uint64_t used_ = 0;
};

class GroupFloor final : public LogLoops<GroupFloor> {
public:
    GroupFloor(const Disk &disk, unsigned threads)
        : file_(disk.directory, disk.size), size_(disk.size), threads_(threads),
          map_(
              static_cast<std::byte *>(mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_SHARED, file_.descriptor(), 0)))
    {
        require(map_ != MAP_FAILED, fmt::format("mmap: {}", std::strerror(errno)));
        // Else a store makes the next sync write all that was read ahead with its page.
        madvise(map_, size_, MADV_RANDOM);
        std::memset(map_, 1, size_);
        sync(file_);
    }
    GroupFloor(const GroupFloor &) = delete;
    GroupFloor &operator=(const GroupFloor &) = delete;
    ~GroupFloor() override { munmap(map_, size_); }

    std::uint64_t capacity(std::size_t size) const override { return size_ / packed(size); }
    void make_room(std::size_t size, std::uint64_t count) override
    {
        if (size_ - used_ < count * packed(size))
            used_ = 0;
    }

    void append_one(const std::byte *data, std::size_t size)
    {
        std::memcpy(map_ + used_.fetch_add(packed(size), std::memory_order_relaxed), data, size);
        const std::uint32_t round = round_.load(std::memory_order_relaxed);
        if (arrived_.fetch_add(1, std::memory_order_acq_rel) + 1 == threads_) {
            sync(file_);
            arrived_.store(0, std::memory_order_relaxed);
            round_.store(round + 1, std::memory_order_release);
            round_.notify_all();
        } else {
            round_.wait(round, std::memory_order_acquire);
        }
    }

private:
    File file_;
    std::uint64_t size_;
    unsigned threads_;
    std::byte *map_;
    std::atomic<std::uint64_t> used_ = 0;
    std::atomic<unsigned> arrived_ = 0;
    std::atomic<std::uint32_t> round_ = 0;
};

} // namespace

LogPtr make_written_file(const Disk &disk, bool written)
{
    return std::make_unique<WrittenFile>(disk, written);
}

LogPtr make_group_floor(const Disk &disk, unsigned threads)
{
    return std::make_unique<GroupFloor>(disk, threads);
}

} // namespace bench
