// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

#include "file/lock_holder.hpp"

#include <algorithm>
#include <cctype>
#include <cinttypes>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sys/stat.h>
#include <sys/sysmacros.h>

namespace pms {
namespace {

namespace fs = std::filesystem;

// proc(5): "lock:  1: OFDLCK  ADVISORY  WRITE -1 08:01:1234 0 EOF", where the file's device stands in hexadecimal.
bool holds(const fs::path &fdinfo, const std::string &file)
{
    std::ifstream lines(fdinfo);
    for (std::string line; std::getline(lines, line);)
        if (line.starts_with("lock:") && line.find("OFDLCK") != std::string::npos &&
            line.find("WRITE") != std::string::npos && line.find(' ' + file + ' ') != std::string::npos)
            return true;
    return false;
}

} // namespace

std::string lock_holder(int descriptor)
{
    struct stat status = {};
    if (fstat(descriptor, &status) != 0)
        return {};
    char file[64];
    std::snprintf(file, sizeof file, "%02x:%02x:%" PRIuMAX, major(status.st_dev), minor(status.st_dev),
                  static_cast<std::uintmax_t>(status.st_ino));
    std::error_code ignored;
    for (fs::directory_iterator process("/proc", ignored), end; process != end; process.increment(ignored)) {
        const std::string number = process->path().filename();
        if (!std::ranges::all_of(number, [](unsigned char letter) { return std::isdigit(letter) != 0; }))
            continue;
        for (fs::directory_iterator info(process->path() / "fdinfo", ignored); info != end; info.increment(ignored)) {
            if (!holds(info->path(), file))
                continue;
            std::string name;
            std::ifstream comm(process->path() / "comm");
            std::getline(comm, name);
            // A process can call itself anything.
            std::ranges::replace_if(
                name, [](unsigned char letter) { return std::isprint(letter) == 0; }, '?');
            std::string holder = "process ";
            return holder.append(number).append(" (").append(name).append(")");
        }
    }
    return {};
}

} // namespace pms
