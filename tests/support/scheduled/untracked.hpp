// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// With ThreadSanitizer only the library's own accesses are looked at: those of the scheduler and of the scenarios,
// whose threads run one at a time, are not.
#pragma once

#if defined(__SANITIZE_THREAD__)
extern "C" {
void AnnotateIgnoreReadsBegin(const char *file, int line);
void AnnotateIgnoreReadsEnd(const char *file, int line);
void AnnotateIgnoreWritesBegin(const char *file, int line);
void AnnotateIgnoreWritesEnd(const char *file, int line);
void __tsan_acquire(void *address);
void __tsan_release(void *address);
}
#endif

namespace pms::scheduled {

#if defined(__SANITIZE_THREAD__)
inline constexpr bool tracks_races = true;
inline void untracked_begin()
{
    AnnotateIgnoreReadsBegin(__FILE__, __LINE__);
    AnnotateIgnoreWritesBegin(__FILE__, __LINE__);
}
inline void untracked_end()
{
    AnnotateIgnoreWritesEnd(__FILE__, __LINE__);
    AnnotateIgnoreReadsEnd(__FILE__, __LINE__);
}
// What a thread did is over before what another does that calls over() later.
inline void done(void *what)
{
    __tsan_release(what);
}
inline void over(void *what)
{
    __tsan_acquire(what);
}
#else
inline constexpr bool tracks_races = false;
inline void done(void *) {}
inline void over(void *) {}
inline void untracked_begin() {}
inline void untracked_end() {}
#endif

// While it lives the calling thread's accesses are not looked at.
class Untracked {
public:
    Untracked() { untracked_begin(); }
    ~Untracked() { untracked_end(); }
    Untracked(const Untracked &) = delete;
    Untracked &operator=(const Untracked &) = delete;
};

// The other way round, inside one of those.
class Tracked {
public:
    Tracked() { untracked_end(); }
    ~Tracked() { untracked_begin(); }
    Tracked(const Tracked &) = delete;
    Tracked &operator=(const Tracked &) = delete;
};

} // namespace pms::scheduled
