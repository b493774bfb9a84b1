// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// A stream and its model, side by side: runs commands on both through the C API and compares them after each. A
// difference is thrown as Mismatch. The members are told by topic, and each topic has its file: the commands
// (session.cpp, entry_commands.cpp, bad_calls.cpp, wild_calls.cpp), crashes and reopening (crashes.cpp), comparing
// (checks.cpp).
#pragma once

#include "command.hpp"
#include "held_mover.hpp"
#include "model.hpp"
#include "store.hpp"

#include <libpmemstream.h>

#include <memory>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>
#include <string_view>

namespace model {

struct Mismatch : std::runtime_error {
    using std::runtime_error::runtime_error;
};

// Throws Mismatch, which says what and where, unless it holds.
void require(bool holds, std::string_view what, std::string_view where = {});
void require_equal(std::uint64_t found, std::uint64_t expected, std::string_view what, std::string_view where = {});
// That the call, whose result is given, failed with this errno.
void require_failure(int result, int expected_errno, std::string_view what);

class Session {
public:
    Session(const MediumKind &kind, const Case &one);
    Session(const Session &) = delete;
    Session &operator=(const Session &) = delete;
    ~Session();

    // Runs all commands, closes the stream and looks at it once more.
    void run();

private:
    // What was on the medium at the moment of a crash, and what had been acknowledged by then.
    struct Snapshot {
        Bytes content;
        std::uint64_t acknowledged;
    };

    // ---- session.cpp
    void execute(const Command &command);
    void allocate(const Command &command);
    void free_region(const Command &command);
    void wait(const Command &command, bool persisted);
    Region *choose_region(const Command &command);
    pmemstream_region_runtime *runtime_of(const Region &region, const Command &command);
    // Nothing waits for the held mover any more.
    void release_copies();
    // Everything up to `timestamp` was told to be persisted.
    void acknowledge(std::uint64_t timestamp);

    // ---- entry_commands.cpp
    void append(const Command &command);
    void async_append(const Command &command);
    void reserve(const Command &command);
    void publish(const Command &command, bool wait);
    void abort(const Command &command);
    struct Reservation {
        Region *region; // nullptr: there is none
        std::size_t slot;
    };
    Reservation choose_reservation(const Command &command);
    std::uint64_t size_for(const Region &region, const Command &command) const;
    std::uint64_t publish_size_for(const Region &region, const Slot &slot, bool last, const Command &command) const;
    Data new_data(std::uint64_t size);
    void add_entry(Region &region, const Data &data);

    // ---- bad_calls.cpp
    void bad_calls(const Command &command);
    void bad_look_ups(const Command &command);

    // ---- wild_calls.cpp
    void wild_calls(const Command &command);
    std::uint64_t wild_offset(const Command &command) const;
    void wild_region_calls(pmemstream_region region, const Command &command);
    void wild_waits(const Command &command);
    void wild_infos(pmemstream_region region, const Command &command);
    void null_calls();
    void move_kept_regions();

    // ---- crashes.cpp
    void create();
    void open();
    void reopen(const Command &command);
    void crash(const Command &command);
    // Has a snapshot taken before the n-th fence from now on, and before none behind it.
    void arm(std::uint32_t fence);
    Snapshot take_snapshot(Crash crash);
    // Leaves the stream behind and goes on with what a crash left, crashing in recovery first `nested` times.
    void go_on_with(Snapshot snapshot, std::uint32_t nested);
    void crash_in_recovery(Bytes &content);
    void settle_after_crash(std::uint64_t acknowledged);
    void decide_regions();
    void check_dropped(std::uint64_t end);
    void settle_tails();
    // Ends what the caller of a stream has to end before it.
    void leave_stream();

    // ---- checks.cpp
    void check(bool verify);
    pmemstream_info info() const;
    void check_regions(const pmemstream_info &info) const;
    void check_region(const Region &region) const;
    void check_entries(const Region &region);
    void check_entry(const Slot &slot) const;
    void check_follower();
    void check_verify() const;
    // The timestamp that cannot be committed yet, because its copy is held; 0: none.
    std::uint64_t first_held() const;

    const MediumKind kind_;
    const Case &case_;
    std::mt19937_64 random_;
    std::uint64_t data_seed_ = 0;

    HeldMover held_;
    std::vector<std::uint64_t> held_timestamps_;
    std::vector<std::uint64_t> copying_timestamps_; // by a mover whose copies complete when they are polled
    std::vector<Data> buffers_;                     // that a mover may read

    std::unique_ptr<Store> store_;
    pmemstream *stream_ = nullptr;
    Model model_;
    std::uint64_t committed_ = 0; // as it was told last
    Crash armed_crash_ = Crash::power_cut;
    std::uint32_t fences_left_ = 0;
    std::optional<Snapshot> snapshot_;
    // What the command that a crash may have cut short did: each may have happened or not.
    std::optional<std::uint64_t> undecided_allocation_;
    std::optional<Region> undecided_free_;

    // An iterator that stays, and sees entries as they come.
    struct Follower {
        pmemstream_entry_iterator *iterator;
        std::uint64_t generation;
        bool sought; // in a region that was not empty
        std::size_t seen;
    };
    std::optional<Follower> follower_;
    // Likewise, over the regions, whatever becomes of them.
    pmemstream_region_iterator *kept_regions_ = nullptr;
};

// Movers that all sessions share.
struct vdm *sync_mover();
struct vdm *threads_mover();
// Tells that the threads mover was given a copy.
void count_worker_copy();
// Waits until no worker of it copies.
void wait_for_workers();

} // namespace model
