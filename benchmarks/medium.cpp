// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

#include "medium.hpp"

#include "failure.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <utility>

namespace bench {

namespace {

constexpr const char *granularity = "PMEM2_FORCE_GRANULARITY";

} // namespace

ForcedGranularity::ForcedGranularity(const char *forced)
{
    if (const char *before = std::getenv(granularity))
        before_ = before;
    setenv(granularity, forced, 1);
}

ForcedGranularity::~ForcedGranularity()
{
    if (before_)
        setenv(granularity, before_->c_str(), 1);
    else
        unsetenv(granularity);
}

void tell_libraries(const Medium &medium)
{
    static constexpr const char *is_persistent = "PMEM_IS_PMEM_FORCE";
    if (medium.stand_in) {
        setenv(granularity, "CACHE_LINE", 1);
        setenv(is_persistent, "1", 1);
    } else {
        unsetenv(granularity);
        unsetenv(is_persistent);
    }
}

std::string describe(const Medium &medium)
{
    if (!medium.stand_in)
        return fmt::format("On the persistent memory at {}.", medium.directory);
    return fmt::format("Ordinary memory ({}) stands in for persistent memory: PMEM2_FORCE_GRANULARITY=CACHE_LINE, "
                       "PMEM_IS_PMEM_FORCE=1.",
                       medium.directory);
}

std::string Disk::description() const
{
    // The last mount whose directory the path lies in.
    const std::string path = std::filesystem::canonical(directory).string() + '/';
    std::ifstream mounts("/proc/self/mounts");
    std::string type = "unknown";
    std::size_t longest = 0;
    for (std::string device, place, kind, rest; mounts >> device >> place >> kind && std::getline(mounts, rest);) {
        const std::string prefix = place == "/" ? place : place + '/';
        if (path.starts_with(prefix) && prefix.size() >= longest) {
            longest = prefix.size();
            type = kind;
        }
    }
    return "a file system of the type " + type;
}

File::File(const std::string &directory, std::size_t size)
    : descriptor_(open(directory.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, S_IRUSR | S_IWUSR))
{
    require(descriptor_ >= 0, fmt::format("no file in {}: {}", directory, std::strerror(errno)));
    const int error = posix_fallocate(descriptor_, 0, static_cast<off_t>(size));
    if (error != 0) {
        close(descriptor_);
        throw Failure(fmt::format("{} MiB in {}: {} (--memory gives each contender less, --directory is another place)",
                                  size >> 20, directory, std::strerror(error)));
    }
}

File::File(File &&other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}

File::~File()
{
    if (descriptor_ >= 0)
        close(descriptor_);
}

void Unmap::operator()(pmem2_map *map) const
{
    pmem2_map_delete(&map);
}

Map map_file(const File &file)
{
    pmem2_config *config = nullptr;
    pmem2_source *source = nullptr;
    pmem2_map *map = nullptr;
    int result = pmem2_config_new(&config);
    if (result == 0)
        result = pmem2_config_set_required_store_granularity(config, PMEM2_GRANULARITY_CACHE_LINE);
    if (result == 0)
        result = pmem2_source_from_fd(&source, file.descriptor());
    if (result == 0)
        result = pmem2_map_new(&map, config, source);
    pmem2_source_delete(&source);
    pmem2_config_delete(&config);
    require(result == 0, fmt::format("libpmem2: {}", pmem2_errormsg()));
    return Map(map);
}

Map map_touched(const Medium &medium)
{
    Map map = map_file(File(medium.directory, medium.size));
    std::memset(pmem2_map_get_address(map.get()), 0, medium.size);
    return map;
}

Directory::Directory(const std::string &parent) : path_(parent + "/pmemstream-bench-XXXXXX")
{
    require(mkdtemp(path_.data()) != nullptr, fmt::format("{}: {}", path_, std::strerror(errno)));
}

Directory::~Directory()
{
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
}

} // namespace bench
