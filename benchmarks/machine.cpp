// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

#include "machine.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
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

double now_seconds()
{
    return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// What all processors together have worked, as /proc/stat counts it.
double busy_seconds()
{
    std::ifstream file("/proc/stat");
    std::string cpu;
    double user = 0;
    double nice = 0;
    double system = 0;
    file >> cpu >> user >> nice >> system;
    return (user + nice + system) / static_cast<double>(sysconf(_SC_CLK_TCK));
}

// What this process and the ended ones of its children have.
double own_seconds()
{
    double sum = 0;
    for (const int who : {RUSAGE_SELF, RUSAGE_CHILDREN}) {
        rusage usage = {};
        getrusage(who, &usage);
        for (const timeval &time : {usage.ru_utime, usage.ru_stime})
            sum += static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
    }
    return sum;
}

} // namespace

Machine this_machine()
{
    utsname system = {};
    uname(&system);
    const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
    return {processor_name(), std::thread::hardware_concurrency(), fmt::format("{} {}", system.sysname, system.release),
            fmt::format("{:%Y-%m-%d %H:%M}", fmt::gmtime(now))};
}

Others::Others() : begin_(now_seconds()), busy_(busy_seconds()), own_(own_seconds()) {}

double Others::cores() const
{
    const double others = (busy_seconds() - busy_) - (own_seconds() - own_);
    // Over a short time the kernel's ticks are coarse.
    return std::clamp(others / (now_seconds() - begin_), 0.0, static_cast<double>(std::thread::hardware_concurrency()));
}

} // namespace bench
