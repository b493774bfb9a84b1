// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

#include "file/mapped_file.hpp"

#include "base/arithmetic.hpp"
#include "base/kept_errno.hpp"
#include "file/lock_holder.hpp"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <filesystem>
#include <mutex>
#include <sys/stat.h>
#include <unistd.h>

namespace pms {
namespace {

constexpr const char *own_descriptors = "/proc/self/fd";

// Address space that a stream can grow into while it is open: its size again, at least this.
constexpr std::uint64_t least_to_grow = std::uint64_t{16} << 30;
// libpmem2 wants reservations of whole huge pages on some media.
constexpr std::uint64_t reservation_alignment = 2 * 1024 * 1024;

// libpmem2 (1.12) keeps all maps of a process in a tree, and what it does about it is not safe in several threads at
// once: one is given, or has taken away, what another has.
std::mutex libpmem2_maps;

std::string parent_of(const std::string &path)
{
    const std::filesystem::path parent = std::filesystem::path(path).parent_path();
    return parent.empty() ? "." : parent.string();
}

} // namespace

Error MappedFile::open(const char *path, bool read_only, std::shared_ptr<MappedFile> &file, std::string &holder)
{
    // Memory first: who owns a descriptor gives it back.
    const std::shared_ptr<MappedFile> opened(new MappedFile(path));
    // Not blocking: a FIFO without a writer must not be waited for.
    opened->fd_ = ::open(path, (read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC | O_NONBLOCK);
    if (opened->fd_ < 0)
        return Error::system;
    struct stat status = {};
    if (fstat(opened->fd_, &status) != 0)
        return Error::system;
    if (S_ISDIR(status.st_mode)) {
        errno = EISDIR;
        return Error::system;
    }
    if (!S_ISREG(status.st_mode) && !S_ISCHR(status.st_mode))
        return Error::not_a_regular_file;
    if (S_ISREG(status.st_mode) && status.st_size == 0)
        return Error::empty_file;
    if (!read_only)
        if (const Error error = opened->lock(); failed(error)) {
            if (error == Error::busy)
                holder = lock_holder(opened->fd_);
            return error;
        }
    if (const Error error = opened->map(read_only); failed(error))
        return S_ISCHR(status.st_mode) ? Error::not_a_regular_file : error; // no DAX device, or one of no use
    file = opened;
    return Error::none;
}

Error MappedFile::create(const char *path, std::uint64_t size, Naming naming, std::shared_ptr<MappedFile> &file)
{
    struct stat status = {};
    if (lstat(path, &status) == 0) {
        errno = EEXIST;
        return Error::system;
    }
    const std::shared_ptr<MappedFile> made(new MappedFile(path));
    const std::string directory = parent_of(path);
    if (naming == Naming::last && access(own_descriptors, F_OK) == 0)
        made->fd_ = ::open(directory.c_str(), O_RDWR | O_TMPFILE | O_CLOEXEC, 0666);
    made->nameless_ = made->fd_ >= 0;
    if (!made->nameless_) {
        made->fd_ = ::open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        made->remove_ = made->fd_ >= 0;
    }
    if (made->fd_ < 0)
        return Error::system;
    if (const Error error = made->lock(); failed(error))
        return error;
    if (const Error error = made->allocate(0, size); failed(error))
        return error;
    if (const Error error = made->map(false); failed(error))
        return error;
    file = made;
    return Error::none;
}

MappedFile::~MappedFile()
{
    const int saved = errno;
    {
        const std::lock_guard guard(libpmem2_maps);
        for (pmem2_map *&added : added_)
            pmem2_map_delete(&added);
        if (map_ != nullptr)
            pmem2_map_delete(&map_);
        if (reservation_ != nullptr)
            pmem2_vm_reservation_delete(&reservation_);
    }
    if (remove_)
        unlink(path_.c_str());
    if (fd_ >= 0) {
        // A child that was forked meanwhile shares the lock, and would keep it.
        static_cast<void>(set_lock(F_UNLCK));
        close(fd_);
    }
    errno = saved;
}

Error MappedFile::keep()
{
    if (fsync(fd_) != 0)
        return Error::system;
    if (nameless_) {
        const std::string self = std::string(own_descriptors) + '/' + std::to_string(fd_);
        if (linkat(AT_FDCWD, self.c_str(), AT_FDCWD, path_.c_str(), AT_SYMLINK_FOLLOW) != 0) {
            name_refused_ = errno != EEXIST;
            return Error::system;
        }
        nameless_ = false;
        remove_ = true;
    }
    const int directory = ::open(parent_of(path_).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory < 0)
        return Error::system;
    const int synced = fsync(directory);
    close(directory);
    if (synced != 0)
        return Error::system;
    remove_ = false;
    return Error::none;
}

bool MappedFile::ask_lock(int command, short &type) const noexcept
{
    // An open file description lock: it dies with its holder, and threads and other streams of the same process do not
    // share it.
    struct flock whole = {};
    whole.l_type = type;
    whole.l_whence = SEEK_SET;
    const bool answered = fcntl(fd_, command, &whole) == 0;
    type = whole.l_type;
    return answered;
}

bool MappedFile::set_lock(short type) const noexcept
{
    return ask_lock(F_OFD_SETLK, type);
}

bool MappedFile::has_writer() const noexcept
{
    const KeptErrno kept;
    short type = F_RDLCK;
    return !ask_lock(F_OFD_GETLK, type) || type != F_UNLCK;
}

Error MappedFile::lock() const noexcept
{
    if (set_lock(F_WRLCK))
        return Error::none;
    return errno == EAGAIN || errno == EACCES ? Error::busy : Error::system;
}

Error MappedFile::map(bool read_only) noexcept
{
    struct stat status = {};
    if (fstat(fd_, &status) != 0)
        return Error::system;
    const auto size = static_cast<std::uint64_t>(status.st_size);
    if (S_ISREG(status.st_mode) && !read_only) {
        const std::uint64_t wanted = align_up(size + std::max(size, least_to_grow), reservation_alignment);
        const std::lock_guard guard(libpmem2_maps);
        if (pmem2_vm_reservation_new(&reservation_, nullptr, wanted) == 0)
            reserved_ = wanted;
    }
    if (const Error error = map_from(0, read_only, map_); failed(error))
        return error;
    length_ = size;
    mapped_ = align_up(size, static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE)));
    return Error::none;
}

Error MappedFile::map_from(std::uint64_t begin, bool read_only, pmem2_map *&map) const noexcept
{
    struct Handles {
        pmem2_config *config = nullptr;
        pmem2_source *source = nullptr;
        ~Handles()
        {
            pmem2_config_delete(&config);
            pmem2_source_delete(&source);
        }
    } handles;
    int result = pmem2_config_new(&handles.config);
    if (result == 0)
        result = pmem2_source_from_fd(&handles.source, fd_);
    if (result == 0)
        result = pmem2_config_set_required_store_granularity(handles.config, PMEM2_GRANULARITY_PAGE);
    if (result == 0 && read_only)
        result = pmem2_config_set_protection(handles.config, PMEM2_PROT_READ);
    if (result == 0 && reservation_ != nullptr)
        result = pmem2_config_set_vm_reservation(handles.config, reservation_, begin);
    if (result == 0 && begin != 0)
        result = pmem2_config_set_offset(handles.config, begin);
    if (result == 0) {
        const std::lock_guard guard(libpmem2_maps);
        result = pmem2_map_new(&map, handles.config, handles.source);
    }
    if (result == 0)
        return Error::none;
    // libpmem2 gives a negative errno, or a code of its own below PMEM2_E_UNKNOWN.
    errno = result > PMEM2_E_UNKNOWN ? -result : EINVAL;
    return Error::system;
}

Error MappedFile::extend(std::uint64_t begin, std::uint64_t size)
{
    if (size > reserved_)
        return Error::no_room_to_grow;
    added_.reserve(added_.size() + 1);
    const Error error = [&] {
        if (const Error refused = allocate(begin, size); failed(refused))
            return refused;
        return add_map(size);
    }();
    if (!failed(error)) {
        length_ = std::max(length_, size);
        return error;
    }
    const KeptErrno kept;
    // If it stays longer, it is one that was growing.
    static_cast<void>(ftruncate(fd_, static_cast<off_t>(length_)));
    return error;
}

bool MappedFile::length_changed() const noexcept
{
    struct stat status = {};
    return fstat(fd_, &status) == 0 && static_cast<std::uint64_t>(status.st_size) != length_;
}

Error MappedFile::allocate(std::uint64_t begin, std::uint64_t end) const noexcept
{
    // A store into a hole of a sparse file is killed by SIGBUS when the disk is full.
    int refused = EINTR;
    while (refused == EINTR)
        refused = posix_fallocate(fd_, static_cast<off_t>(begin), static_cast<off_t>(end - begin));
    if (refused == 0)
        return Error::none;
    errno = refused;
    return Error::system;
}

Error MappedFile::add_map(std::uint64_t size)
{
    const std::uint64_t end = align_up(size, static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE)));
    if (end <= mapped_)
        return Error::none;
    pmem2_map *map = nullptr;
    if (const Error error = map_from(mapped_, false, map); failed(error))
        return error;
    added_.push_back(map);
    mapped_ = end;
    return Error::none;
}

} // namespace pms
