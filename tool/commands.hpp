// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// The commands of `pmemstream`. Each gives the process's exit code and throws Failure when it cannot go on.
#pragma once

#include <libpmemstream.h>

#include <cstdint>
#include <optional>
#include <string>

namespace tool {

enum ExitCode : int {
    exit_fine = 0,
    exit_damage = 1,
    exit_failure = 2,
};

struct CreateOptions {
    std::string path;
    std::uint64_t size = 0;
    std::uint64_t block_size = 0;                    // 0: the library's default
    std::optional<pmemstream_durability> durability; // likewise
};
int create(const CreateOptions &options);

struct GrowOptions {
    std::string path;
    std::uint64_t size = 0;
};
int grow(const GrowOptions &options);

struct AppendOptions {
    std::string path;
    std::optional<pmemstream_durability> durability; // none: the stream's
    std::optional<std::uint64_t> region;             // its number in the order of allocation, from 0, here and below
};
int append(const AppendOptions &options);

struct CatOptions {
    std::string path;
    std::optional<std::uint64_t> region;
    std::uint64_t from_timestamp = 0;
};
int cat(const CatOptions &options);

struct InfoOptions {
    std::string path;
    bool json = false;
};
int info(const InfoOptions &options);

struct VerifyOptions {
    std::string path;
    bool json = false;
};
int verify(const VerifyOptions &options);

} // namespace tool
