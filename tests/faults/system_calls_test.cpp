// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// System calls that fail beneath creating and opening by path: each is an error that names itself, or is got round;
// nothing is left behind, and the next try works.

#include "directory.hpp"
#include "resources.hpp"
#include "support/content.hpp"

#include <gtest/gtest.h>

#include <cerrno>
#include <cstdarg>
#include <cstdlib>
#include <dlfcn.h>
#include <fcntl.h>
#include <functional>
#include <string>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

namespace faults {
namespace {

// Tells the error that this call is to fail with, or 0.
std::function<int(const std::string &name)> refuse;

int refused(const char *name)
{
    return refuse ? refuse(name) : 0;
}

// Fails as told, or makes the call.
template <typename Result, typename Call>
Result call(const char *name, Result failure, Call hidden)
{
    if (const int error = refused(name)) {
        errno = error;
        return failure;
    }
    return hidden();
}

template <typename Function>
Function *hidden(const char *name)
{
    return reinterpret_cast<Function *>(dlsym(RTLD_NEXT, name));
}

constexpr std::uint64_t stream_size = 256 * 1024;

class SystemCalls : public testing::Test {
protected:
    ~SystemCalls() override { refuse = nullptr; }

    int create()
    {
        pmemstream_options options = PMEMSTREAM_OPTIONS_INIT;
        options.size = stream_size;
        return pmemstream_create(path.c_str(), &options, &stream);
    }
    int open(bool read_only)
    {
        pmemstream_options options = PMEMSTREAM_OPTIONS_INIT;
        options.read_only = read_only;
        return pmemstream_open(path.c_str(), &options, &stream);
    }
    // It failed so, and says why.
    void expect_failure(int result, int error) const
    {
        const int number = errno;
        EXPECT_EQ(result, -1);
        EXPECT_EQ(number, error) << pmemstream_errormsg();
        EXPECT_NE(std::string(pmemstream_errormsg()).find(strerror(error)), std::string::npos) << pmemstream_errormsg();
        EXPECT_EQ(stream, nullptr);
    }
    void expect_a_whole_stream()
    {
        if (stream == nullptr) {
            ASSERT_EQ(open(false), 0) << pmemstream_errormsg();
        }
        pmemstream_region region{};
        EXPECT_EQ(pmemstream_region_allocate(stream, 1000, &region), 0) << pmemstream_errormsg();
        EXPECT_EQ(pmemstream_append(stream, region, nullptr, "works", 5, nullptr), 0) << pmemstream_errormsg();
        pmemstream_delete(&stream);
        ASSERT_EQ(open(false), 0) << pmemstream_errormsg();
        EXPECT_EQ(content_of(stream).size(), 1U);
        pmemstream_delete(&stream);
        std::filesystem::remove(path);
    }

    const Directory directory;
    const std::string path = directory.path() + "/stream";
    pmemstream *stream = nullptr;
};

// What each of them fails with in real life. A signal is in the way of the allocation only for a while.
int likely_error(const std::string &name)
{
    if (name == "open")
        return EMFILE;
    if (name == "mmap")
        return ENOMEM;
    if (name == "fcntl")
        return ENOLCK;
    if (name == "posix_fallocate")
        return ENOSPC;
    if (name == "linkat")
        return EPERM;
    if (name == "getrandom")
        return ENOSYS;
    return EIO;
}

// The n-th call fails, for all n.
TEST_F(SystemCalls, EachOfACreation)
{
    int failures = 0;
    bool met = true;
    for (int n = 1; met; ++n) {
        const Resources before = Resources::now();
        int count = 0;
        std::string failed;
        refuse = [&](const std::string &name) {
            if (++count != n)
                return 0;
            failed = name;
            return likely_error(name);
        };
        const int result = create();
        const int error = errno;
        refuse = nullptr;
        met = !failed.empty();
        SCOPED_TRACE("call " + std::to_string(n) + ": " + failed);
        if (result != 0) {
            ++failures;
            errno = error;
            expect_failure(result, likely_error(failed));
            EXPECT_TRUE(directory.empty()) << "a file was left behind";
            EXPECT_EQ(Resources::now(), before);
            ASSERT_EQ(create(), 0) << pmemstream_errormsg();
        }
        expect_a_whole_stream();
        EXPECT_EQ(Resources::now(), before);
        ASSERT_LT(n, 1000);
    }
    EXPECT_GT(failures, 5);
}

TEST_F(SystemCalls, EachOfAnOpening)
{
    ASSERT_EQ(create(), 0);
    pmemstream_delete(&stream);
    for (const bool read_only : {false, true}) {
        int failures = 0;
        bool met = true;
        for (int n = 1; met; ++n) {
            const Resources before = Resources::now();
            int count = 0;
            std::string failed;
            refuse = [&](const std::string &name) {
                if (++count != n)
                    return 0;
                failed = name;
                return likely_error(name);
            };
            const int result = open(read_only);
            const int error = errno;
            refuse = nullptr;
            met = !failed.empty();
            SCOPED_TRACE("call " + std::to_string(n) + ": " + failed);
            if (result != 0) {
                ++failures;
                errno = error;
                expect_failure(result, likely_error(failed));
                EXPECT_EQ(Resources::now(), before);
                ASSERT_EQ(open(read_only), 0) << pmemstream_errormsg();
            }
            EXPECT_TRUE(content_of(stream).empty());
            pmemstream_delete(&stream);
            EXPECT_EQ(Resources::now(), before);
        }
        EXPECT_GT(failures, 3);
    }
}

// A file system that has no files without names.
TEST_F(SystemCalls, WithoutNamelessFiles)
{
    for (const int error : {EOPNOTSUPP, EISDIR, ENOENT}) {
        int opened = 0;
        refuse = [&](const std::string &name) { return name == "open O_TMPFILE" ? ++opened, error : 0; };
        ASSERT_EQ(create(), 0) << pmemstream_errormsg();
        EXPECT_EQ(opened, 1);
        refuse = nullptr;
        expect_a_whole_stream();
        // The disk is full: the name is there already, and goes again.
        refuse = [&](const std::string &name) {
            return name == "open O_TMPFILE" ? error : name == "posix_fallocate" ? ENOSPC : 0;
        };
        expect_failure(create(), ENOSPC);
        EXPECT_TRUE(directory.empty()) << "a file was left behind";
    }
}

// A sandbox in which they cannot be named.
TEST_F(SystemCalls, NamesRefused)
{
    for (const int error : {EPERM, EACCES, ENOENT, EXDEV, ENOSYS}) {
        const Resources before = Resources::now();
        int linked = 0;
        refuse = [&](const std::string &name) { return name == "linkat" ? ++linked, error : 0; };
        ASSERT_EQ(create(), 0) << pmemstream_errormsg();
        EXPECT_EQ(linked, 1);
        refuse = nullptr;
        expect_a_whole_stream();
        EXPECT_EQ(Resources::now(), before);

        refuse = [&](const std::string &name) {
            return name == "linkat" ? error : name == "open O_CREAT" ? EDQUOT : 0;
        };
        expect_failure(create(), EDQUOT);
        EXPECT_TRUE(directory.empty()) << "a file was left behind";
        EXPECT_EQ(Resources::now(), before);
    }
}

// Somebody else takes the name meanwhile: his file stays.
TEST_F(SystemCalls, TheNameIsTakenMeanwhile)
{
    refuse = [&](const std::string &name) {
        if (name == "linkat")
            std::filesystem::create_directory(path);
        return 0;
    };
    expect_failure(create(), EEXIST);
    EXPECT_TRUE(std::filesystem::is_directory(path));
}

TEST_F(SystemCalls, ASignalDuringTheAllocation)
{
    int signals = 3;
    refuse = [&](const std::string &name) { return name == "posix_fallocate" && signals-- > 0 ? EINTR : 0; };
    ASSERT_EQ(create(), 0) << pmemstream_errormsg();
    EXPECT_EQ(signals, -1);
    refuse = nullptr;
    expect_a_whole_stream();
}

TEST_F(SystemCalls, WhatIsNoFile)
{
    const Resources before = Resources::now();
    ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
    for (const bool read_only : {false, true}) {
        EXPECT_EQ(open(read_only), -1);
        EXPECT_EQ(errno, EINVAL) << pmemstream_errormsg();
    }
    EXPECT_EQ(Resources::now(), before);
}

// An old kernel, or no memory for all pages at once: they are touched one by one.
TEST_F(SystemCalls, PrefaultingWithoutMadvise)
{
    setenv("PMEMSTREAM_PREFAULT_AT_OPEN", "1", 1);
    int advised = 0;
    refuse = [&](const std::string &name) { return name == "madvise" ? ++advised, EINVAL : 0; };
    ASSERT_EQ(create(), 0) << pmemstream_errormsg();
    EXPECT_EQ(advised, 1);
    unsetenv("PMEMSTREAM_PREFAULT_AT_OPEN");
    refuse = nullptr;
    expect_a_whole_stream();
}

} // namespace
} // namespace faults

// The library's calls come here, and libpmem2's.
extern "C" {

int open(const char *path, int flags, ...)
{
    std::va_list arguments;
    va_start(arguments, flags);
    const mode_t mode = va_arg(arguments, mode_t);
    va_end(arguments);
    const char *name = (flags & O_TMPFILE) == O_TMPFILE ? "open O_TMPFILE"
                       : (flags & O_CREAT) != 0         ? "open O_CREAT"
                                                        : "open";
    return faults::call(name, -1, [&] { return faults::hidden<decltype(open)>("open")(path, flags, mode); });
}

int fcntl(int descriptor, int command, ...)
{
    std::va_list arguments;
    va_start(arguments, command);
    void *argument = va_arg(arguments, void *);
    va_end(arguments);
    return faults::call("fcntl", -1,
                        [&] { return faults::hidden<decltype(fcntl)>("fcntl")(descriptor, command, argument); });
}

int fstat(int descriptor, struct stat *status) noexcept
{
    return faults::call("fstat", -1, [&] { return faults::hidden<decltype(fstat)>("fstat")(descriptor, status); });
}

int fsync(int descriptor)
{
    return faults::call("fsync", -1, [&] { return faults::hidden<decltype(fsync)>("fsync")(descriptor); });
}

int posix_fallocate(int descriptor, off_t offset, off_t size)
{
    const int error = faults::refused("posix_fallocate");
    return error != 0 ? error : faults::hidden<decltype(posix_fallocate)>("posix_fallocate")(descriptor, offset, size);
}

int linkat(int from_directory, const char *from, int to_directory, const char *to, int flags) noexcept
{
    return faults::call("linkat", -1, [&] {
        return faults::hidden<decltype(linkat)>("linkat")(from_directory, from, to_directory, to, flags);
    });
}

void *mmap(void *address, size_t size, int protection, int flags, int descriptor, off_t offset) noexcept
{
    return faults::call("mmap", MAP_FAILED, [&] {
        return faults::hidden<decltype(mmap)>("mmap")(address, size, protection, flags, descriptor, offset);
    });
}

int madvise(void *address, size_t size, int advice) noexcept
{
    return faults::call("madvise", -1,
                        [&] { return faults::hidden<decltype(madvise)>("madvise")(address, size, advice); });
}

ssize_t getrandom(void *bytes, size_t size, unsigned flags)
{
    return faults::call("getrandom", ssize_t{-1},
                        [&] { return faults::hidden<decltype(getrandom)>("getrandom")(bytes, size, flags); });
}

} // extern "C"
