// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// libpmemstream, by its C API alone.
#pragma once

#include "contenders/log.hpp"
#include "medium.hpp"

#include <libpmemstream.h>

#include <optional>

namespace bench {

// An open stream in a map, or a file, that lives as long.
class Stream {
public:
    static constexpr std::size_t block_size = 4096;

    explicit Stream(Map map);
    // In a new file whose pages are synced, whatever else the library is told.
    explicit Stream(const Disk &disk);
    Stream(const Stream &) = delete;
    Stream &operator=(const Stream &) = delete;
    ~Stream();
    pmemstream *get() const { return stream_; }
    pmemstream_info info() const;
    // For a region that takes all of the space there is.
    std::size_t largest_region_size() const { return info().largest_free_size; }

private:
    std::optional<Directory> directory_;
    Map map_;
    pmemstream *stream_ = nullptr;
};

// A region, which is freed and allocated anew when it is to be empty.
class Region {
public:
    Region(pmemstream *stream, std::size_t size);
    std::uint64_t capacity(std::size_t entry_size) const;
    void make_room(std::size_t entry_size, std::uint64_t count);

    pmemstream *stream() const { return stream_; }
    pmemstream_region get() const { return region_; }
    pmemstream_region_runtime *runtime() const { return runtime_; }

private:
    void allocate();

    pmemstream *stream_;
    std::size_t size_;
    pmemstream_region region_ = {PMEMSTREAM_INVALID_OFFSET};
    pmemstream_region_runtime *runtime_ = nullptr;
};

[[noreturn]] void fail_in_pmemstream(const char *what);

// pmemstream_append. Any number of threads may append at once.
LogPtr make_sync_appends(Region &region);
// pmemstream_reserve, the data copied to its place by ordinary stores, pmemstream_publish.
LogPtr make_reserve_publish(Region &region);
// pmemstream_async_append, and a wait for so many.
LogPtr make_async_appends(Region &region, std::uint64_t batch);

} // namespace bench
