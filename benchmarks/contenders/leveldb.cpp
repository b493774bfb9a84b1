// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

#include "contenders/number_key.hpp"
#include "contenders/peers.hpp"
#include "failure.hpp"

#include <fmt/format.h>
#include <leveldb/db.h>
#include <leveldb/options.h>

#include <atomic>

namespace bench {
namespace {

class LeveldbPuts final : public LogLoops<LeveldbPuts> {
public:
    explicit LeveldbPuts(const Medium &medium) : size_(medium.size), directory_(medium.directory)
    {
        write_.sync = true;
        open();
    }

    std::uint64_t capacity(std::size_t size) const override { return size_ / stored_size(size); }

    void make_room(std::size_t size, std::uint64_t count) override
    {
        if (used_ + count * stored_size(size) > size_) {
            db_.reset();
            check(leveldb::DestroyDB(path(), options()));
            open();
        }
        used_ += count * stored_size(size);
    }

    void append_one(const std::byte *data, std::size_t size)
    {
        const auto key = number_key(++number_);
        check(db_->Put(write_, leveldb::Slice(key.data(), key.size()),
                       leveldb::Slice(reinterpret_cast<const char *>(data), size)));
    }

private:
    std::string path() const { return directory_.path() + "/leveldb"; }

    leveldb::Options options() const
    {
        leveldb::Options options;
        options.create_if_missing = true;
        options.compression = leveldb::kNoCompression;
        options.write_buffer_size = 4 * size_;
        return options;
    }

    static void check(const leveldb::Status &status)
    {
        if (!status.ok())
            throw Failure(fmt::format("LevelDB: {}", status.ToString()));
    }

    void open()
    {
        leveldb::DB *db = nullptr;
        check(leveldb::DB::Open(options(), path(), &db));
        db_.reset(db);
        used_ = 0;
    }

    std::uint64_t size_;
    std::uint64_t used_ = 0;
    std::atomic<std::uint64_t> number_ = 0;
    Directory directory_;
    leveldb::WriteOptions write_;
    std::unique_ptr<leveldb::DB> db_;
};

} // namespace

const Peer leveldb_peer = {
    "LevelDB",
    "Put with sync, keys of 8 bytes that rise, no compression, a memtable so large that it is never written out. A new "
    "database when its share of memory is full, between two slices.",
    [](const Medium &medium) -> LogPtr { return std::make_unique<LeveldbPuts>(medium); }};

} // namespace bench
