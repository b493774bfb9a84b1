// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// What every C function does around the C++ it calls: errors become errno and a sentence, exceptions become errors, and
// the opaque types become what they hide.
#pragma once

#include "libpmemstream.h"

#include "base/error.hpp"
#include "region/region.hpp"
#include "stream/stream.hpp"

#include <cerrno>
#include <new>
#include <string>
#include <system_error>

namespace pms::api {

// Sets errno and the calling thread's sentence. Gives -1.
int fail(Error error) noexcept;

// What the sentence of the Error::busy that the calling thread is about to fail with ends in.
void tell_holder(const std::string &holder) noexcept;

inline Stream *unwrap(pmemstream *stream) noexcept
{
    return reinterpret_cast<Stream *>(stream);
}
inline pmemstream *wrap(Stream *stream) noexcept
{
    return reinterpret_cast<pmemstream *>(stream);
}
inline Region *unwrap(pmemstream_region_runtime *runtime) noexcept
{
    return reinterpret_cast<Region *>(runtime);
}
inline pmemstream_region_runtime *wrap(Region *region) noexcept
{
    return reinterpret_cast<pmemstream_region_runtime *>(region);
}

// 0, or -1 with errno set: where nothing is thrown, and errno is left alone unless something fails.
inline int result(Error error) noexcept
{
    return failed(error) ? fail(error) : 0;
}

// 0 with errno as it was (what lies beneath may have touched it), or -1 with errno set.
template <typename F>
int call(F f) noexcept
{
    const int before = errno;
    Error error = Error::none;
    try {
        error = f();
    } catch (const std::bad_alloc &) {
        error = Error::out_of_memory;
    } catch (const std::system_error &exception) {
        errno = exception.code().value();
        error = Error::system;
    }
    if (failed(error))
        return fail(error);
    errno = before;
    return 0;
}

// What f gives through its argument, or `otherwise` with errno set.
template <typename T, typename F>
T call_for(T otherwise, F f) noexcept
{
    T result{};
    return call([&] { return f(result); }) == 0 ? result : otherwise;
}

} // namespace pms::api
