// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// A file in memory that a stream lies in, mapped by libpmem2 with the granularity that PMEM2_FORCE_GRANULARITY names.
#pragma once

#include <libpmem2.h>

#include <cstddef>
#include <string>

namespace faults {

class StreamFile {
public:
    // Of zeros.
    explicit StreamFile(std::size_t size) : StreamFile(std::string(size, '\0')) {}
    explicit StreamFile(const std::string &content);
    ~StreamFile();
    StreamFile(const StreamFile &) = delete;
    StreamFile &operator=(const StreamFile &) = delete;

    pmem2_map *map() const noexcept { return map_; }
    // What a process that is killed now leaves.
    std::string bytes() const;
    // A path by which it can be opened while this lives.
    std::string path() const;

private:
    int fd_ = -1;
    pmem2_map *map_ = nullptr;
};

} // namespace faults
