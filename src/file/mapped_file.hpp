// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// A file opened by path, locked and mapped.
#pragma once

#include "base/error.hpp"

#include <libpmem2.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace pms {

class MappedFile {
public:
    // For reading takes no lock and maps read-only. Error::system leaves errno as the operating system set it; with
    // Error::busy `holder` is who has the lock, if that can be known.
    static Error open(const char *path, bool read_only, std::shared_ptr<MappedFile> &file, std::string &holder);
    // A new file of a size that a stream can have, whose space is allocated. It goes away again unless keep() is
    // called. It gets its name last, when it is a whole stream, where the file system has files without names: a crash
    // leaves nothing behind. Else, and with Naming::first, what a crash leaves is finished by the next open.
    enum class Naming : std::uint8_t { last, first };
    static Error create(const char *path, std::uint64_t size, Naming naming, std::shared_ptr<MappedFile> &file);

    // Has the file hold `size` bytes, of which those from `begin` on are allocated, and maps them behind those that are
    // mapped. Its length is durable once the file was synced. On failure the file is as long as it was, as far as the
    // operating system helps. Throws std::bad_alloc.
    Error extend(std::uint64_t begin, std::uint64_t size);
    // Whether somebody else has the file open for writing. If the system cannot tell: yes.
    bool has_writer() const noexcept;
    // The file has another length than when it was opened, or extended.
    bool length_changed() const noexcept;
    // Up to which size that is possible; 0 where it is not.
    std::uint64_t most_size() const noexcept { return reserved_; }

    ~MappedFile();
    MappedFile(const MappedFile &) = delete;
    MappedFile &operator=(const MappedFile &) = delete;

    pmem2_map *map() const noexcept { return map_; }
    int descriptor() const noexcept { return fd_; }
    // Gives the new file its name, makes that durable, and lets it stay. Throws std::bad_alloc.
    Error keep();
    // keep() failed because this file, which has no name, can get none.
    bool name_refused() const noexcept { return name_refused_; }

private:
    explicit MappedFile(std::string path) : path_(std::move(path)) {}
    // `command` of fcntl(2), of a lock on the whole file. `type` is what the system made of it.
    bool ask_lock(int command, short &type) const noexcept;
    bool set_lock(short type) const noexcept;
    Error lock() const noexcept;
    // All of the file, with address space behind it to grow into if that can be had.
    Error map(bool read_only) noexcept;
    Error map_from(std::uint64_t begin, bool read_only, pmem2_map *&map) const noexcept;
    Error allocate(std::uint64_t begin, std::uint64_t end) const noexcept;
    Error add_map(std::uint64_t size);

    const std::string path_;
    int fd_ = -1;
    pmem2_vm_reservation *reservation_ = nullptr;
    std::uint64_t reserved_ = 0;
    pmem2_map *map_ = nullptr;
    std::uint64_t length_ = 0;
    std::uint64_t mapped_ = 0; // a multiple of a page
    std::vector<pmem2_map *> added_;
    bool nameless_ = false;
    bool name_refused_ = false;
    bool remove_ = false; // when it is closed
};

} // namespace pms
