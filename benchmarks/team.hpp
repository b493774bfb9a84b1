// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// Threads that wait between slices, and begin each of them together.
#pragma once

#include "clock.hpp"

#include <atomic>
#include <barrier>
#include <exception>
#include <functional>
#include <thread>
#include <vector>

namespace bench {

class Team {
public:
    explicit Team(unsigned threads);
    Team(const Team &) = delete;
    Team &operator=(const Team &) = delete;
    ~Team();
    unsigned threads() const { return static_cast<unsigned>(members_.size()); }

    // Calls work(0) in this thread and work(1) to work(threads - 1) in one thread each. Returns the nanoseconds from
    // the first one's start to the last one's end. What one of them throws is thrown.
    double run(const std::function<void(unsigned)> &work);

private:
    struct Member {
        Ticks begin = 0;
        Ticks end = 0;
        std::exception_ptr failure;
    };

    void live(unsigned number);
    void take_part(unsigned number);

    std::vector<Member> members_;
    std::barrier<> start_;
    std::barrier<> end_;
    std::atomic<unsigned> awake_ = 0;
    const std::function<void(unsigned)> *work_ = nullptr; // none: it is over
    std::vector<std::jthread> threads_;
};

} // namespace bench
