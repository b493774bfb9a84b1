// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// The memory that stands for persistent memory, or is it.
#pragma once

#include <libpmem2.h>

#include <cstddef>
#include <memory>
#include <optional>
#include <string>

namespace bench {

// Where the files of the contenders lie.
struct Medium {
    std::string directory = "/dev/shm";
    // The memory is ordinary memory that libpmem2 and libpmem are told to take for persistent memory.
    bool stand_in = true;
    // Memory for each contender.
    std::size_t size = std::size_t{64} << 20;
};

// Where files lie that are to be durable on a device.
struct Disk {
    std::string directory = ".";
    // Of each contender's file.
    std::size_t size = std::size_t{64} << 20;

    // "a file system of the type ext4"
    std::string description() const;
};

// Tells libpmem2 and libpmem, for this process, what to take the memory for. Before anything is mapped.
void tell_libraries(const Medium &medium);
// The same of libpmem2 alone, while it lives.
class ForcedGranularity {
public:
    explicit ForcedGranularity(const char *granularity);
    ForcedGranularity(const ForcedGranularity &) = delete;
    ForcedGranularity &operator=(const ForcedGranularity &) = delete;
    ~ForcedGranularity();

private:
    std::optional<std::string> before_;
};
// The sentence that belongs to every figure.
std::string describe(const Medium &medium);

// A file without a name, so that nothing is left behind however the program ends. Its space is allocated.
class File {
public:
    File(const std::string &directory, std::size_t size);
    File(File &&other) noexcept;
    File &operator=(File &&) = delete;
    ~File();
    int descriptor() const { return descriptor_; }

private:
    int descriptor_;
};

struct Unmap {
    void operator()(pmem2_map *map) const;
};
using Map = std::unique_ptr<pmem2_map, Unmap>;

// Maps all of the file for byte-addressed use; fails where libpmem2 would have to call msync.
Map map_file(const File &file);

// A new file's map, each page of which was written to.
Map map_touched(const Medium &medium);

// A directory that is removed with all that is in it.
class Directory {
public:
    explicit Directory(const std::string &parent);
    Directory(const Directory &) = delete;
    Directory &operator=(const Directory &) = delete;
    ~Directory();
    const std::string &path() const { return path_; }

private:
    std::string path_;
};

} // namespace bench
