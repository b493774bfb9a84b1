// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// A file on /dev/shm, mapped by libpmem2 with the granularity that PMEM2_FORCE_GRANULARITY names. What a kill leaves is
// a copy of the page cache; a power cut cannot be had here.

#include "store.hpp"

#include <libpmem2.h>

#include <cstdlib>
#include <stdexcept>
#include <string>
#include <unistd.h>

namespace model {
namespace {

class FileStore : public Store {
public:
    explicit FileStore(const Bytes &content) : size_(content.size())
    {
        std::string path = "/dev/shm/pmemstream-model-XXXXXX";
        file_ = mkstemp(path.data());
        if (file_ < 0)
            throw std::runtime_error("mkstemp failed");
        unlink(path.c_str());
        if (write(file_, content.data(), size_) != static_cast<ssize_t>(size_))
            throw std::runtime_error("write failed");
        pmem2_config *config = nullptr;
        pmem2_source *source = nullptr;
        const bool mapped = pmem2_config_new(&config) == 0 && pmem2_source_from_fd(&source, file_) == 0 &&
                            pmem2_config_set_required_store_granularity(config, PMEM2_GRANULARITY_PAGE) == 0 &&
                            pmem2_map_new(&map_, config, source) == 0;
        pmem2_config_delete(&config);
        pmem2_source_delete(&source);
        if (!mapped)
            throw std::runtime_error(std::string("libpmem2: ") + pmem2_errormsg());
    }
    ~FileStore() override
    {
        pmem2_map_delete(&map_);
        close(file_);
    }

    pmem2_map *map() override { return map_; }
    const std::byte *bytes() const override { return static_cast<const std::byte *>(pmem2_map_get_address(map_)); }
    const std::byte *writable_bytes() override { return bytes(); }
    Bytes after(Crash, std::mt19937_64 &) const override { return {bytes(), bytes() + size_}; }
    void before_fence(std::function<void()>) override {}
    bool kill() override { return false; }
    void revive() override {}

private:
    std::size_t size_;
    int file_ = -1;
    pmem2_map *map_ = nullptr;
};

} // namespace

std::vector<MediumKind> media()
{
    const char *forced = std::getenv("PMEM2_FORCE_GRANULARITY");
    if (forced != nullptr && std::string(forced) == "CACHE_LINE")
        return {{PMEM2_GRANULARITY_CACHE_LINE, "cache_line"}};
    return {{PMEM2_GRANULARITY_PAGE, "page"}};
}

std::unique_ptr<Store> make_store(const MediumKind &kind, const Bytes &content)
{
    auto store = std::make_unique<FileStore>(content);
    if (pmem2_map_get_store_granularity(store->map()) != kind.granularity)
        throw std::runtime_error("libpmem2 gives another granularity than the test asks for");
    return store;
}

} // namespace model
