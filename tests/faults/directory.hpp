// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <string>

namespace faults {

// A directory in memory, gone with its object.
class Directory {
public:
    Directory()
    {
        if (mkdtemp(path_) == nullptr)
            ADD_FAILURE() << "mkdtemp";
    }
    ~Directory() { std::filesystem::remove_all(path_); }
    Directory(const Directory &) = delete;
    Directory &operator=(const Directory &) = delete;

    std::string path() const { return path_; }
    bool empty() const { return std::filesystem::is_empty(path_); }

private:
    char path_[64] = "/dev/shm/pmemstream-faults.XXXXXX";
};

} // namespace faults
