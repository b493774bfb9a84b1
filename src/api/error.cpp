// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

#include "api/api.hpp"

#include <cerrno>
#include <cstdio>
#include <cstring>

namespace pms::api {
namespace {

// Outlives no thread; read only by the one it belongs to.
thread_local char message[160];

} // namespace

int fail(Error error) noexcept
{
    if (error != Error::system) {
        std::snprintf(message, sizeof message, "%s", error_sentence(error));
        errno = error_number(error);
        return -1;
    }
    const int number = errno;
    char text[128];
    std::snprintf(message, sizeof message, "the operating system refused: %s", strerror_r(number, text, sizeof text));
    errno = number;
    return -1;
}

} // namespace pms::api

extern "C" const char *pmemstream_errormsg(void)
{
    return pms::api::message;
}
