// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

#include "stream_file.hpp"

#include <stdexcept>
#include <sys/mman.h>
#include <unistd.h>

namespace faults {

StreamFile::StreamFile(const std::string &content) : fd_(memfd_create("pmemstream-faults", MFD_CLOEXEC))
{
    if (fd_ < 0 || write(fd_, content.data(), content.size()) != static_cast<ssize_t>(content.size()))
        throw std::runtime_error("a file in memory cannot be made");
    pmem2_config *config = nullptr;
    pmem2_source *source = nullptr;
    const bool mapped = pmem2_config_new(&config) == 0 && pmem2_source_from_fd(&source, fd_) == 0 &&
                        pmem2_config_set_required_store_granularity(config, PMEM2_GRANULARITY_PAGE) == 0 &&
                        pmem2_map_new(&map_, config, source) == 0;
    pmem2_config_delete(&config);
    pmem2_source_delete(&source);
    if (!mapped)
        throw std::runtime_error(std::string("libpmem2: ") + pmem2_errormsg());
}

StreamFile::~StreamFile()
{
    pmem2_map_delete(&map_);
    close(fd_);
}

std::string StreamFile::bytes() const
{
    return {static_cast<const char *>(pmem2_map_get_address(map_)), pmem2_map_get_size(map_)};
}

std::string StreamFile::path() const
{
    return "/proc/self/fd/" + std::to_string(fd_);
}

} // namespace faults
