// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

#include "contenders/peers.hpp"

#include "failure.hpp"

#include <fmt/format.h>
#include <libpmemlog.h>

#include <sys/stat.h>
#include <unistd.h>

#include <array>

namespace bench {
namespace {

static_assert(smallest_pmemlog == PMEMLOG_MIN_POOL);

class PmemlogAppends final : public LogLoops<PmemlogAppends> {
public:
    explicit PmemlogAppends(const Medium &medium)
    {
        const Directory directory(medium.directory);
        const std::string path = directory.path() + "/log";
        pool_ = pmemlog_create(path.c_str(), medium.size, S_IRUSR | S_IWUSR);
        require(pool_ != nullptr, fmt::format("pmemlog_create: {}", pmemlog_errormsg()));
        touch();
    }
    PmemlogAppends(const PmemlogAppends &) = delete;
    PmemlogAppends &operator=(const PmemlogAppends &) = delete;
    ~PmemlogAppends() override { pmemlog_close(pool_); }

    std::uint64_t capacity(std::size_t size) const override { return pmemlog_nbyte(pool_) / size; }

    void make_room(std::size_t size, std::uint64_t count) override
    {
        const auto used = static_cast<std::uint64_t>(pmemlog_tell(pool_));
        if ((pmemlog_nbyte(pool_) - used) / size < count)
            pmemlog_rewind(pool_);
    }

    void append_one(const std::byte *data, std::size_t size)
    {
        if (pmemlog_append(pool_, data, size) != 0)
            throw Failure(fmt::format("pmemlog_append: {}", pmemlog_errormsg()));
    }

private:
    // Every page is written to once.
    void touch()
    {
        const std::array<std::byte, 4096> page = {};
        for (std::uint64_t i = capacity(page.size()); i != 0; --i)
            append_one(page.data(), page.size());
        pmemlog_rewind(pool_);
    }

    PMEMlogpool *pool_;
};

} // namespace

LogPtr make_pmemlog(const Medium &medium)
{
    return std::make_unique<PmemlogAppends>(medium);
}

} // namespace bench
