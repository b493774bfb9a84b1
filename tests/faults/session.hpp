// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// A stream whose calls run out of memory, and the account of what must be in it: everything that succeeded, nothing
// else.
#pragma once

#include "allocation_faults.hpp"
#include "stream_file.hpp"
#include "support/content.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>

namespace faults {

inline constexpr std::size_t block_size = 64;

class Session {
public:
    // Opens the stream in the file, if it must be at the second try.
    Session(AllocationFaults &faults, StreamFile &file, Content expected = {});
    ~Session() { pmemstream_delete(&stream_); }
    Session(const Session &) = delete;
    Session &operator=(const Session &) = delete;

    pmemstream *stream() const noexcept { return stream_; }

    // Makes a call during which allocations may fail. Whether it gave 0; else it gave -1 for want of memory, and
    // changed nothing.
    bool succeeds(const std::function<int()> &call);

    std::optional<pmemstream_region> allocate(std::size_t size);
    bool free(pmemstream_region region);
    bool append(pmemstream_region region, const std::string &data);
    // `data` outlives the copy.
    bool async_append(pmemstream_region region, vdm *mover, const std::string &data);
    std::optional<pmemstream_entry> reserve(pmemstream_region region, std::size_t size);
    bool publish(pmemstream_region region, pmemstream_entry entry, const std::string &data, bool wait);

    // Waits for all that succeeded, compares; then the same with what a kill would leave, and what closing leaves.
    void finish();

private:
    // What a failed call must leave as it was.
    struct Space {
        std::uint64_t regions;
        std::uint64_t free;
        std::uint64_t largest;
        std::uint64_t used;
        std::uint64_t reservations;

        bool operator==(const Space &) const = default;
    };
    Space space() const;
    void added(pmemstream_region region, pmemstream_entry entry, const std::string &data);
    void check(pmemstream *stream) const;

    AllocationFaults &faults_;
    StreamFile &file_;
    pmemstream *stream_ = nullptr;
    Content expected_;
    std::uint64_t last_timestamp_;
};

} // namespace faults
