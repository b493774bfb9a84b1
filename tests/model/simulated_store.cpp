// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

#include "store.hpp"

#include "medium/simulated_image.hpp"

#include <libpmem2.h>

namespace model {
namespace {

class SimulatedStore : public Store {
public:
    SimulatedStore(const Bytes &content, pms::Granularity granularity) : image_(content, granularity) {}

    pmem2_map *map() override { return image_.map(); }
    const std::byte *bytes() const override { return image_.cache(); }
    const std::byte *writable_bytes() override { return static_cast<const std::byte *>(image_.writable(0, 0)); }
    Bytes after(Crash crash, std::mt19937_64 &random) const override
    {
        switch (crash) {
        case Crash::kill:
            return image_.killed();
        case Crash::power_cut_losing_all:
            return image_.power_cut_losing_all();
        case Crash::power_cut:
            break;
        }
        return image_.power_cut(random);
    }
    void before_fence(std::function<void()> hook) override { image_.before_fence = std::move(hook); }
    bool kill() override
    {
        image_.kill();
        return true;
    }
    void revive() override { image_.revive(); }

private:
    pms::SimulatedImage image_;
};

pms::Granularity simulated(int granularity)
{
    switch (granularity) {
    case PMEM2_GRANULARITY_BYTE:
        return pms::Granularity::byte;
    case PMEM2_GRANULARITY_CACHE_LINE:
        return pms::Granularity::cache_line;
    default:
        return pms::Granularity::page;
    }
}

} // namespace

std::vector<MediumKind> media()
{
    return {{PMEM2_GRANULARITY_BYTE, "byte"},
            {PMEM2_GRANULARITY_CACHE_LINE, "cache_line"},
            {PMEM2_GRANULARITY_PAGE, "page"}};
}

std::unique_ptr<Store> make_store(const MediumKind &kind, const Bytes &content)
{
    return std::make_unique<SimulatedStore>(content, simulated(kind.granularity));
}

} // namespace model
