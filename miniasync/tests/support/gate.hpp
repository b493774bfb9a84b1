// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// Holds threads until the test lets them go, so that no test has to guess how long something takes.

#pragma once

#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <sched.h>

class Gate {
public:
    // For the threads that are held.
    void pass()
    {
        std::unique_lock lock(mutex_);
        ++arrivals_;
        changed_.notify_all();
        changed_.wait(lock, [this] { return open_; });
    }

    // For the test.
    void open()
    {
        const std::lock_guard lock(mutex_);
        open_ = true;
        changed_.notify_all();
    }

    void await_arrivals(std::size_t count)
    {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [this, count] { return arrivals_ >= count; });
    }

    std::size_t arrivals()
    {
        const std::lock_guard lock(mutex_);
        return arrivals_;
    }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    std::size_t arrivals_ = 0;
    bool open_ = false;
};

// Gives a thread that should do nothing a lot of chances to do it all the same.
inline void let_others_run()
{
    for (int i = 0; i < 10000; ++i) {
        sched_yield();
    }
}
