// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

#include "commands.hpp"
#include "input.hpp"
#include "output.hpp"
#include "region_filler.hpp"
#include "stream.hpp"

namespace tool {
namespace {

// On an ordinary file making a batch durable costs one sync, as making a line durable would.
constexpr std::size_t batch_lines = 256;
constexpr std::size_t batch_bytes = 1 << 20;

// What is durable. Nothing is counted before.
struct Appended {
    std::uint64_t entries = 0;
    std::uint64_t bytes = 0;
    std::uint64_t last_timestamp = PMEMSTREAM_INVALID_TIMESTAMP;
};

class Appender {
public:
    Appender(const AppendOptions &options, pmemstream *stream)
        : path_(options.path), stream_(stream), filler_(path_, stream, options.region)
    {}

    const Appended &appended() const { return durable_; }

    // Appends all whole lines of the input and waits until they are durable. When one cannot be appended, those before
    // it are durable and counted all the same before the Failure leaves.
    void append_lines(LineInput &input)
    {
        Appended reached = durable_;
        try {
            for (std::size_t n = 0; n < input.line_count(); ++n) {
                const std::string_view line = input.line(n);
                reached.last_timestamp = filler_.append(line);
                reached.entries += 1;
                reached.bytes += line.size();
            }
        } catch (const Failure &) {
            persist(reached);
            throw;
        }
        persist(reached);
        input.drop_lines();
    }

private:
    void persist(const Appended &reached)
    {
        if (reached.entries == durable_.entries)
            return;
        pmemstream_async_wait_fut future = pmemstream_async_wait_persisted(stream_, reached.last_timestamp);
        // Nobody else appends, and no data mover is under way: it is the poll that makes the entries durable.
        FUTURE_BUSY_POLL(&future);
        if (future.output.error_code != 0)
            throw Failure(path_ + ": the medium failed: whether the last entries survive, reopening tells");
        durable_ = reached;
    }

    const std::string &path_;
    pmemstream *stream_;
    RegionFiller filler_;
    Appended durable_;
};

// What was read before the input failed is appended all the same.
LineInput::Event read_or_append(LineInput &input, Appender &appender)
{
    try {
        return input.read();
    } catch (const Failure &) {
        appender.append_lines(input);
        throw;
    }
}

void append_input(LineInput &input, Appender &appender)
{
    for (;;) {
        const LineInput::Event event = read_or_append(input, appender);
        const bool batch_full = input.line_count() >= batch_lines || input.byte_count() >= batch_bytes;
        // Nobody knows when the next line comes, so those that are here become durable now.
        if (batch_full || event != LineInput::Event::lines || !input.ready())
            appender.append_lines(input);
        if (event != LineInput::Event::lines)
            return;
    }
}

void report(const Appended &appended, const pmemstream_info &info)
{
    Output output;
    if (appended.entries == 0)
        output.print("appended 0 entries, 0 bytes\n");
    else
        output.print("appended {} {}, {} bytes; last timestamp {}; {}on {}\n", appended.entries,
                     appended.entries == 1 ? "entry" : "entries", appended.bytes, appended.last_timestamp,
                     info.durability == PMEMSTREAM_DURABILITY_SYNC ? "durable " : "", describe(info));
    output.flush();
}

} // namespace

int append(const AppendOptions &options)
{
    StopSignals signals;
    const Stream stream = open_to_write(options.path, options.durability);
    const pmemstream_info info = get_info(options.path, stream.get());
    if (info.damage_count > 0)
        complain(options.path + ": the stream is damaged: `pmemstream verify` tells where");

    LineInput input(signals, info.size);
    Appender appender(options, stream.get());
    try {
        append_input(input, appender);
    } catch (...) {
        report(appender.appended(), info);
        throw;
    }
    report(appender.appended(), info);
    return exit_fine;
}

} // namespace tool
