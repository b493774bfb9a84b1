// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// What ends a command early: a sentence for standard error, and exit code 2.
#pragma once

#include <stdexcept>
#include <string>

namespace tool {

class Failure : public std::runtime_error {
    using std::runtime_error::runtime_error;
};

// For a call of the library that has just failed: its sentence and that of errno.
Failure library_failure(const std::string &path);

// For a call of the operating system that has just failed while doing `what`.
Failure system_failure(const std::string &what);

} // namespace tool
