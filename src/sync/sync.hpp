// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// All that threads of this library share, and wait for each other by. Here these are the standard library's own; the
// tests compile the library against another header of this name (tests/support/scheduled), in which each operation asks
// a scheduler which thread goes on, so that interleavings can be chosen one by one.
#pragma once

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <shared_mutex>
#include <thread>

namespace pms::sync {

using std::atomic;
using std::atomic_thread_fence;
using std::condition_variable;
using std::mutex;
using std::shared_mutex;
using std::this_thread::sleep_for;

using thread_id = std::thread::id;
inline thread_id this_thread_id() noexcept
{
    return std::this_thread::get_id();
}

} // namespace pms::sync
