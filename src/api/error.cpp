// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

#include "api/api.hpp"

#include "base/kept_errno.hpp"

#include <cerrno>
#include <cstdio>
#include <cstring>

namespace pms::api {
namespace {

// The last failure, told when somebody asks: an iterator's end is one, too, and must cost little.
thread_local Error last = Error::none;
thread_local int system_number;
thread_local char message[160];
thread_local char holder[64]; // of the lock that was refused last

} // namespace

int fail(Error error) noexcept
{
    last = error;
    if (error == Error::system)
        system_number = errno;
    else
        errno = error_number(error);
    return -1;
}

void tell_holder(const std::string &name) noexcept
{
    std::snprintf(holder, sizeof holder, "%s", name.c_str());
}

} // namespace pms::api

extern "C" const char *pmemstream_errormsg(void)
{
    using namespace pms;
    if (api::last == Error::busy && api::holder[0] != '\0') {
        std::snprintf(api::message, sizeof api::message, "%s: %s", error_sentence(api::last), api::holder);
        return api::message;
    }
    if (api::last != Error::system)
        return failed(api::last) ? error_sentence(api::last) : "";
    const KeptErrno kept;
    char text[128];
    std::snprintf(api::message, sizeof api::message, "the operating system refused: %s",
                  strerror_r(api::system_number, text, sizeof text));
    return api::message;
}
