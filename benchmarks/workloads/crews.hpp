// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// Logs for several threads at once.
#pragma once

#include "contenders/floor.hpp"
#include "contenders/log.hpp"
#include "contenders/peers.hpp"
#include "contenders/pmemstream.hpp"
#include "measure.hpp"
#include "team.hpp"

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace bench {

// Threads, and the log that each of them appends to.
class Crew {
public:
    // Each thread has a region of the same stream.
    static std::unique_ptr<Crew> own_regions(const Medium &medium, unsigned threads);
    // All threads have the same region.
    static std::unique_ptr<Crew> one_region(const Medium &medium, unsigned threads);
    // Each thread has its part of the memory.
    static std::unique_ptr<Crew> floor(const Medium &medium, unsigned threads);
    // Null without libpmemlog. The memory is shared out among the logs.
    static std::unique_ptr<Crew> pmemlog_own(const Medium &medium, unsigned threads);
    static std::unique_ptr<Crew> pmemlog_one(const Medium &medium, unsigned threads);

    // One thread.
    static std::unique_ptr<Crew> alone(LogPtr log);

    unsigned threads() const { return team_.threads(); }
    // A runner whose operation is an entry by each thread.
    Runner runner(const std::string &name, std::size_t size);
    // The same, but calls work(thread, its log, count).
    using Work = std::function<void(unsigned, Log &, std::uint64_t)>;
    Runner runner(const std::string &name, std::size_t size, Work work);

private:
    explicit Crew(unsigned threads) : team_(threads) {}
    Log &log_of(unsigned thread) { return *logs_[thread % logs_.size()]; }
    std::uint64_t threads_per_log() const { return threads() / logs_.size(); }

    std::unique_ptr<Stream> stream_;
    std::vector<std::unique_ptr<Region>> regions_;
    Map map_;
    std::vector<LogPtr> logs_; // one, or one for each thread
    Team team_;
};

} // namespace bench
