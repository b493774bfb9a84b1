// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// Feeds the lines of several files into a stream, a thread and a region for each file, and goes on where it left off
// when it is started again.
//
//     ingest STREAM NOTES FILE...
//
// A thread appends a batch of lines, waits until they are durable, and only then writes down that they are: into the
// file NOTES.<n>, one line
//
//     <lines submitted> <lines acknowledged> <timestamp of the last acknowledged>
//
// by an ordinary write, which a kill -9 does not undo. So whoever kills this program can compare what it was promised
// with what the stream holds afterwards.

#include <libpmemstream.h>

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <exception>
#include <fstream>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace {

constexpr std::size_t batch_lines = 32;

std::runtime_error library_error(const std::string &what)
{
    const int error = errno;
    return std::runtime_error(what + ": " + pmemstream_errormsg() + " (" + std::strerror(error) + ")");
}

struct Deleter {
    void operator()(pmemstream *stream) const { pmemstream_delete(&stream); }
    void operator()(pmemstream_region_iterator *iterator) const { pmemstream_region_iterator_delete(&iterator); }
    void operator()(pmemstream_entry_iterator *iterator) const { pmemstream_entry_iterator_delete(&iterator); }
    void operator()(runtime *waiter) const { runtime_delete(waiter); }
};
template <typename T>
using Owned = std::unique_ptr<T, Deleter>;

// What was promised, where a killed program cannot take it back. All numbers have the same width, so that each write
// replaces the last one whole.
class Notes {
public:
    explicit Notes(const std::string &path) : fd_(open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0666))
    {
        if (fd_ == -1)
            throw std::runtime_error(path + ": " + std::strerror(errno));
    }
    ~Notes() { close(fd_); }
    Notes(const Notes &) = delete;
    Notes &operator=(const Notes &) = delete;

    void write(std::uint64_t submitted, std::uint64_t acknowledged, std::uint64_t timestamp)
    {
        char line[64];
        const int length =
            std::snprintf(line, sizeof(line), "%020llu %020llu %020llu\n", static_cast<unsigned long long>(submitted),
                          static_cast<unsigned long long>(acknowledged), static_cast<unsigned long long>(timestamp));
        if (pwrite(fd_, line, static_cast<std::size_t>(length), 0) != length)
            throw std::runtime_error(std::string("notes: ") + std::strerror(errno));
    }

private:
    int fd_;
};

// What a region holds already: how many entries, and the timestamp of the last one.
struct Position {
    std::uint64_t lines = 0;
    std::uint64_t timestamp = 0;
};

Position end_of_region(pmemstream *stream, pmemstream_region region)
{
    pmemstream_entry_iterator *created = nullptr;
    if (pmemstream_entry_iterator_new(&created, stream, region) != 0)
        throw library_error("entries");
    const Owned<pmemstream_entry_iterator> entries(created);

    Position position;
    pmemstream_entry_iterator_seek_first(entries.get());
    while (pmemstream_entry_iterator_is_valid(entries.get()) == 0) {
        ++position.lines;
        position.timestamp = pmemstream_entry_timestamp(stream, pmemstream_entry_iterator_get(entries.get()));
        pmemstream_entry_iterator_next(entries.get());
    }
    if (errno == EUCLEAN)
        throw library_error("entries");
    return position;
}

// The regions there are, and new ones until there are `count`, which share the free space.
std::vector<pmemstream_region> provide_regions(pmemstream *stream, std::size_t count)
{
    pmemstream_region_iterator *created = nullptr;
    if (pmemstream_region_iterator_new(&created, stream) != 0)
        throw library_error("regions");
    const Owned<pmemstream_region_iterator> iterator(created);

    std::vector<pmemstream_region> regions;
    pmemstream_region_iterator_seek_first(iterator.get());
    while (pmemstream_region_iterator_is_valid(iterator.get()) == 0) {
        regions.push_back(pmemstream_region_iterator_get(iterator.get()));
        pmemstream_region_iterator_next(iterator.get());
    }

    while (regions.size() < count) {
        pmemstream_info info{};
        if (pmemstream_get_info(stream, &info, sizeof(info)) != 0)
            throw library_error("stream");
        const std::uint64_t share = info.free_size / (count - regions.size()) / info.block_size * info.block_size;
        pmemstream_region region{};
        // Of each region's blocks, 64 bytes are the library's.
        if (share == 0 || pmemstream_region_allocate(stream, share - 64, &region) != 0)
            throw library_error("region");
        regions.push_back(region);
    }
    return regions;
}

// Appends all of them and gives the last one's timestamp when it is durable, and the others with it.
std::uint64_t append_durably(pmemstream *stream, pmemstream_region region, runtime *waiter,
                             const std::vector<std::string> &lines)
{
    pmemstream_entry last{};
    for (const std::string &line : lines) {
        if (pmemstream_async_append(stream, nullptr, region, nullptr, line.data(), line.size(), &last) != 0)
            throw library_error("append");
    }
    const std::uint64_t timestamp = pmemstream_entry_timestamp(stream, last);
    pmemstream_async_wait_fut persisted = pmemstream_async_wait_persisted(stream, timestamp);
    runtime_wait(waiter, FUTURE_AS_RUNNABLE(&persisted));
    if (FUTURE_OUTPUT(&persisted)->error_code != 0)
        throw library_error("wait");
    return timestamp;
}

void ingest(pmemstream *stream, pmemstream_region region, const std::string &path, const std::string &notes_path)
{
    std::ifstream input(path, std::ios::binary);
    if (!input)
        throw std::runtime_error(path + ": cannot be read");
    const Owned<runtime> waiter(runtime_new());
    if (!waiter)
        throw std::runtime_error("no memory");

    Notes notes(notes_path);
    Position position = end_of_region(stream, region);
    std::string line;
    for (std::uint64_t n = 0; n < position.lines; ++n)
        std::getline(input, line);

    std::vector<std::string> batch;
    for (;;) {
        batch.clear();
        while (batch.size() < batch_lines && std::getline(input, line))
            batch.push_back(line);
        notes.write(position.lines + batch.size(), position.lines, position.timestamp);
        if (batch.empty())
            return;
        position.timestamp = append_durably(stream, region, waiter.get(), batch);
        position.lines += batch.size();
    }
}

void run(const std::string &stream_path, const std::string &notes_path, const std::vector<std::string> &files)
{
    pmemstream *opened = nullptr;
    if (pmemstream_open(stream_path.c_str(), nullptr, &opened) != 0)
        throw library_error(stream_path);
    const Owned<pmemstream> stream(opened);
    const std::vector<pmemstream_region> regions = provide_regions(stream.get(), files.size());

    std::mutex mutex;
    std::exception_ptr failure;
    {
        std::vector<std::jthread> threads;
        for (std::size_t n = 0; n < files.size(); ++n) {
            threads.emplace_back([&, n] {
                try {
                    ingest(stream.get(), regions[n], files[n], notes_path + "." + std::to_string(n));
                } catch (...) {
                    const std::lock_guard lock(mutex);
                    failure = std::current_exception();
                }
            });
        }
    }
    if (failure)
        std::rethrow_exception(failure);
}

} // namespace

int main(int argc, char **argv)
{
    if (argc < 4) {
        std::fprintf(stderr, "usage: %s STREAM NOTES FILE...\n", argv[0]);
        return 2;
    }
    try {
        run(argv[1], argv[2], {argv + 3, argv + argc});
        return 0;
    } catch (const std::exception &error) {
        std::fprintf(stderr, "ingest: %s\n", error.what());
        return 1;
    }
}
