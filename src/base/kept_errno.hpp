// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// A call that works leaves errno as it was, whatever system calls and functions of others it made meanwhile.
#pragma once

#include <cerrno>

namespace pms {

class KeptErrno {
public:
    KeptErrno() noexcept = default;
    ~KeptErrno() { errno = before_; }
    KeptErrno(const KeptErrno &) = delete;
    KeptErrno &operator=(const KeptErrno &) = delete;

private:
    int before_ = errno;
};

} // namespace pms
