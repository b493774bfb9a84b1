// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

#include "contenders/number_key.hpp"
#include "contenders/peers.hpp"
#include "failure.hpp"

#include <fmt/format.h>
#include <sqlite3.h>

#include <filesystem>
#include <mutex>

namespace bench {
namespace {

class SqliteInserts final : public LogLoops<SqliteInserts> {
public:
    explicit SqliteInserts(const Medium &medium) : size_(medium.size), directory_(medium.directory) { open(); }
    SqliteInserts(const SqliteInserts &) = delete;
    SqliteInserts &operator=(const SqliteInserts &) = delete;
    ~SqliteInserts() override { close(); }

    std::uint64_t capacity(std::size_t size) const override { return size_ / stored_size(size); }

    void make_room(std::size_t size, std::uint64_t count) override
    {
        if (used_ + count * stored_size(size) > size_) {
            close();
            for (const char *suffix : {"", "-wal", "-shm"})
                std::filesystem::remove(path() + suffix);
            open();
        }
        used_ += count * stored_size(size);
    }

    void append_one(const std::byte *data, std::size_t size)
    {
        // SQLite lets one thread at a time write; with a connection each they would sleep and try again.
        const std::lock_guard guard(mutex_);
        check(sqlite3_bind_blob(insert_, 1, data, static_cast<int>(size), SQLITE_STATIC));
        if (sqlite3_step(insert_) != SQLITE_DONE)
            check(SQLITE_ERROR);
        check(sqlite3_reset(insert_));
    }

private:
    std::string path() const { return directory_.path() + "/sqlite"; }

    void check(int result) const
    {
        if (result != SQLITE_OK)
            throw Failure(fmt::format("SQLite: {}", sqlite3_errmsg(database_)));
    }

    void open()
    {
        check(sqlite3_open(path().c_str(), &database_));
        for (const char *statement : {"PRAGMA journal_mode=WAL", "PRAGMA synchronous=FULL",
                                      "CREATE TABLE log (number INTEGER PRIMARY KEY, data BLOB)"})
            check(sqlite3_exec(database_, statement, nullptr, nullptr, nullptr));
        check(sqlite3_prepare_v2(database_, "INSERT INTO log (data) VALUES (?)", -1, &insert_, nullptr));
        used_ = 0;
    }

    void close()
    {
        sqlite3_finalize(insert_);
        sqlite3_close(database_);
    }

    std::uint64_t size_;
    std::uint64_t used_ = 0;
    Directory directory_;
    std::mutex mutex_;
    sqlite3 *database_ = nullptr;
    sqlite3_stmt *insert_ = nullptr;
};

} // namespace

const Peer sqlite_peer = {"SQLite",
                          "a transaction with one insert, journal_mode=WAL, synchronous=FULL; several threads share a "
                          "connection. A new database when its share of memory is full, between two slices.",
                          [](const Medium &medium) -> LogPtr { return std::make_unique<SqliteInserts>(medium); }};

} // namespace bench
