// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// Threads that append at once.
#pragma once

#include "contenders/pmemstream.hpp"
#include "measure.hpp"
#include "team.hpp"

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace bench {

inline constexpr unsigned most_threads = 16;

// What they append to: one log for all, or one for each of up to `most_threads`. Null where it was not built in.
class Logs {
public:
    // Regions of one stream.
    static std::shared_ptr<Logs> own_regions(const Medium &medium);
    static std::shared_ptr<Logs> one_region(const Medium &medium);
    // The same in a new file, synced.
    static std::shared_ptr<Logs> own_regions(const Disk &disk);
    static std::shared_ptr<Logs> one_region(const Disk &disk);
    // Each thread's part of the memory.
    static std::shared_ptr<Logs> floor(const Medium &medium);
    static std::shared_ptr<Logs> pmemlog_own(const Medium &medium);
    static std::shared_ptr<Logs> pmemlog_one(const Medium &medium);
    static std::shared_ptr<Logs> one(LogPtr log);

    Log &of(unsigned thread) { return *logs_[thread % logs_.size()]; }
    // How many logs so many threads use.
    unsigned used_by(unsigned threads) const { return logs_.size() == 1 ? 1 : threads; }

private:
    static std::shared_ptr<Logs> own_regions(std::unique_ptr<Stream> stream);
    static std::shared_ptr<Logs> one_region(std::unique_ptr<Stream> stream);

    std::unique_ptr<Stream> stream_;
    std::vector<std::unique_ptr<Region>> regions_;
    Map map_;
    std::vector<LogPtr> logs_;
};

class Crew {
public:
    Crew(std::shared_ptr<Logs> logs, std::shared_ptr<Team> team);

    unsigned threads() const { return team_->threads(); }
    // A runner that appends as many entries for each thread. Who is faster does more of them, so that no thread is idle
    // where the operating system has shared out the cores unevenly.
    Runner runner(const std::string &name, std::size_t size);
    // The same, but calls work(thread, its log, count) in each thread.
    using Work = std::function<void(unsigned, Log &, std::uint64_t)>;
    Runner runner(const std::string &name, std::size_t size, Work work);

private:
    // With room for so many times more entries in each log.
    Runner runner(const std::string &name, std::size_t size, std::uint64_t room,
                  std::function<double(std::uint64_t)> run);

    std::shared_ptr<Logs> logs_;
    std::shared_ptr<Team> team_;
};

} // namespace bench
