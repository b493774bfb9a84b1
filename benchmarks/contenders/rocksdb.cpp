// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

#include "contenders/number_key.hpp"
#include "contenders/peers.hpp"
#include "failure.hpp"

#include <fmt/format.h>
#include <rocksdb/db.h>
#include <rocksdb/memtablerep.h>
#include <rocksdb/options.h>

#include <atomic>

namespace bench {
namespace {

// Its write-ahead log, as far as it can be had alone.
class RocksdbPuts final : public LogLoops<RocksdbPuts> {
public:
    explicit RocksdbPuts(const Medium &medium) : size_(medium.size), directory_(medium.directory)
    {
        write_.sync = true;
        open();
    }

    std::uint64_t capacity(std::size_t size) const override { return size_ / stored_size(size); }

    void make_room(std::size_t size, std::uint64_t count) override
    {
        if (used_ + count * stored_size(size) > size_) {
            db_.reset();
            check(rocksdb::DestroyDB(path(), options()));
            open();
        }
        used_ += count * stored_size(size);
    }

    void append_one(const std::byte *data, std::size_t size)
    {
        const auto key = number_key(++number_);
        check(db_->Put(write_, rocksdb::Slice(key.data(), key.size()),
                       rocksdb::Slice(reinterpret_cast<const char *>(data), size)));
    }

private:
    std::string path() const { return directory_.path() + "/rocksdb"; }

    rocksdb::Options options() const
    {
        rocksdb::Options options;
        options.create_if_missing = true;
        options.compression = rocksdb::kNoCompression;
        options.write_buffer_size = 4 * size_;
        options.memtable_factory = std::make_shared<rocksdb::VectorRepFactory>();
        options.allow_concurrent_memtable_write = false;
        options.avoid_flush_during_shutdown = true;
        return options;
    }

    static void check(const rocksdb::Status &status)
    {
        if (!status.ok())
            throw Failure(fmt::format("RocksDB: {}", status.ToString()));
    }

    void open()
    {
        rocksdb::DB *db = nullptr;
        check(rocksdb::DB::Open(options(), path(), &db));
        db_.reset(db);
        used_ = 0;
    }

    std::uint64_t size_;
    std::uint64_t used_ = 0;
    std::atomic<std::uint64_t> number_ = 0;
    Directory directory_;
    rocksdb::WriteOptions write_;
    std::unique_ptr<rocksdb::DB> db_;
};

} // namespace

const Peer rocksdb_peer = {
    "RocksDB",
    "Put with sync, keys of 8 bytes that rise. To measure its write-ahead log: no compression, a vector as memtable, "
    "so "
    "large that it is never written out. A new database when its share of memory is full, between two slices.",
    [](const Medium &medium) -> LogPtr { return std::make_unique<RocksdbPuts>(medium); }};

} // namespace bench
