// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

#include "contenders/number_key.hpp"
#include "contenders/peers.hpp"
#include "failure.hpp"

#include <fmt/format.h>
#include <lmdb.h>

#include <sys/stat.h>

#include <filesystem>

namespace bench {
namespace {

class LmdbPuts final : public LogLoops<LmdbPuts> {
public:
    explicit LmdbPuts(const Medium &medium) : size_(medium.size), directory_(medium.directory) { open(); }
    LmdbPuts(const LmdbPuts &) = delete;
    LmdbPuts &operator=(const LmdbPuts &) = delete;
    ~LmdbPuts() override { mdb_env_close(environment_); }

    std::uint64_t capacity(std::size_t size) const override { return size_ / stored_size(size); }

    void make_room(std::size_t size, std::uint64_t count) override
    {
        if (used_ + count * stored_size(size) > size_) {
            mdb_env_close(environment_);
            std::filesystem::remove(path());
            std::filesystem::remove(path() + "-lock");
            open();
        }
        used_ += count * stored_size(size);
    }

    void append_one(const std::byte *data, std::size_t size)
    {
        // LMDB does not write to what it is given.
        MDB_val data_value = {size, const_cast<std::byte *>(data)};
        MDB_txn *transaction = nullptr;
        // Lets one thread in at a time.
        check(mdb_txn_begin(environment_, nullptr, 0, &transaction));
        auto key = number_key(++number_);
        MDB_val key_value = {key.size(), key.data()};
        check(mdb_put(transaction, table_, &key_value, &data_value, MDB_APPEND));
        check(mdb_txn_commit(transaction));
    }

private:
    std::string path() const { return directory_.path() + "/lmdb"; }

    static void check(int error)
    {
        if (error != 0)
            throw Failure(fmt::format("LMDB: {}", mdb_strerror(error)));
    }

    void open()
    {
        check(mdb_env_create(&environment_));
        check(mdb_env_set_mapsize(environment_, 4 * size_));
        check(mdb_env_open(environment_, path().c_str(), MDB_NOSUBDIR, S_IRUSR | S_IWUSR));
        MDB_txn *transaction = nullptr;
        check(mdb_txn_begin(environment_, nullptr, 0, &transaction));
        check(mdb_dbi_open(transaction, nullptr, 0, &table_));
        check(mdb_txn_commit(transaction));
        used_ = 0;
    }

    std::uint64_t size_;
    std::uint64_t used_ = 0;
    std::uint64_t number_ = 0;
    Directory directory_;
    MDB_env *environment_ = nullptr;
    MDB_dbi table_ = 0;
};

} // namespace

const Peer lmdb_peer = {
    "LMDB",
    "a transaction with one put (MDB_APPEND) and a synchronous commit, keys of 8 bytes that rise. A new "
    "database when its share of memory is full, between two slices.",
    [](const Medium &medium) -> LogPtr { return std::make_unique<LmdbPuts>(medium); }};

} // namespace bench
