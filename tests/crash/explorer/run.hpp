// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// A program under way on a simulated image, and what is owed meanwhile.
#pragma once

#include "crash/explorer/obligations.hpp"
#include "crash/explorer/program.hpp"
#include "medium/simulated_image.hpp"

#include <deque>

namespace explorer {

inline constexpr std::size_t block_size = 64;

// Where programs begin: a stream that was closed, what it owes, and the first id that no entry has.
struct Start {
    pms::SimulatedImage::Bytes bytes;
    Obligations owed;
    std::uint64_t next_id = 0;
};

class Run {
public:
    // Opens the stream. `image` holds start.bytes.
    Run(pms::SimulatedImage &image, const Start &start);
    // As kill -9 would.
    ~Run();
    Run(const Run &) = delete;
    Run &operator=(const Run &) = delete;

    // False if the operation cannot be done now: the program without it is the same.
    bool apply(Operation operation);

    // Always up to date: read by the image's hook in the middle of an operation, too.
    const Obligations &owed() const { return owed_; }
    // What was found wrong in passing.
    const std::string &wrong() const { return wrong_; }
    bool has_reservations() const { return !reservations_.empty(); }
    bool has_failed() const { return failed_ || !wrong_.empty(); }

    // Ends it as a close would, and tells how it is then.
    Start close();

private:
    struct Reservation {
        std::size_t region;
        pmemstream_entry entry;
        std::uint64_t size;
    };

    bool open();
    bool append(std::size_t region, std::uint64_t size, bool wait);
    bool reserve(std::size_t region, std::uint64_t size);
    void write(pmemstream_entry entry, std::uint64_t id, std::uint64_t size);
    bool publish(std::size_t reservation, std::uint64_t size, bool wait);
    bool allocate();
    bool free(std::size_t region);
    bool abort(std::size_t index);
    bool wait_for_all();
    bool fail_sync(std::size_t region);
    bool grow();
    bool fail(const char *what);
    void submit(std::size_t region, std::uint64_t offset, std::uint64_t size, std::uint64_t id);
    void acknowledge(bool all);
    // Indices into owed_.regions; SIZE_MAX: there is none.
    std::size_t oldest_region() const;
    std::size_t newest_region() const;

    pms::SimulatedImage &image_;
    pmemstream *stream_ = nullptr;
    Obligations owed_;
    std::uint64_t next_id_;
    std::deque<Reservation> reservations_; // oldest first
    // Alive until the entries are committed.
    std::deque<std::string> buffers_;
    bool failed_ = false; // the medium did: nothing can be done with the stream but opening it again
    std::string wrong_;
};

// Makes the stream that programs begin with: a region with an entry, and free space that holds entries of a region that
// was freed.
Start make_start(pms::Granularity granularity);
// What is owed while such a stream is made.
Obligations nothing_owed();
inline constexpr std::size_t file_size = 8192 + 1024;
// What an image holds: a file that may grow, and its size in a sector of its own.
inline constexpr std::size_t growth_step = 256;
inline constexpr std::size_t most_file_size = file_size + 2 * growth_step;
inline constexpr std::size_t image_size = most_file_size + 512;
// An empty file.
pms::SimulatedImage::Bytes empty_image();

} // namespace explorer
