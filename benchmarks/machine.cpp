// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

#include "machine.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <sys/utsname.h>

#include <chrono>
#include <cstdlib>
#include <fstream>
#include <thread>

namespace bench {
namespace {

std::string processor_name()
{
    std::ifstream file("/proc/cpuinfo");
    for (std::string line; std::getline(file, line);)
        if (line.starts_with("model name"))
            return line.substr(line.find(": ") + 2);
    return "unknown processor";
}

} // namespace

Machine this_machine()
{
    utsname system = {};
    uname(&system);
    double load = 0;
    if (getloadavg(&load, 1) != 1)
        load = 0;
    const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
    return {processor_name(), std::thread::hardware_concurrency(), fmt::format("{} {}", system.sysname, system.release),
            fmt::format("{:%Y-%m-%d %H:%M}", fmt::gmtime(now)), load};
}

} // namespace bench
