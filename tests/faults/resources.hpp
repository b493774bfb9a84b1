// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// What a call must have given back when it failed, and a stream when it is closed.
#pragma once

#include <cstddef>
#include <filesystem>
#include <fstream>
#include <ostream>
#include <string>

namespace faults {

struct Resources {
    std::size_t descriptors = 0;
    std::size_t mapped_files = 0; // shared, writable or not

    static Resources now()
    {
        Resources resources;
        for ([[maybe_unused]] const auto &descriptor : std::filesystem::directory_iterator("/proc/self/fd"))
            ++resources.descriptors;
        std::ifstream maps("/proc/self/maps");
        // Of address, permissions, and what does not matter here. Libraries are mapped privately.
        for (std::string address, permissions, rest; maps >> address >> permissions && std::getline(maps, rest);)
            resources.mapped_files += permissions.ends_with('s');
        return resources;
    }
    bool operator==(const Resources &) const = default;
};

inline std::ostream &operator<<(std::ostream &out, const Resources &resources)
{
    return out << resources.descriptors << " descriptors, " << resources.mapped_files << " mapped files";
}

} // namespace faults
