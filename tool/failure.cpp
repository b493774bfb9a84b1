// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

#include "failure.hpp"

#include <fmt/format.h>
#include <libpmemstream.h>

#include <cerrno>
#include <cstring>

namespace tool {

Failure library_failure(const std::string &path)
{
    const int error = errno;
    return Failure(fmt::format("{}: {} ({})", path, pmemstream_errormsg(), std::strerror(error)));
}

Failure system_failure(const std::string &what)
{
    const int error = errno;
    return Failure(fmt::format("{}: {}", what, std::strerror(error)));
}

} // namespace tool
