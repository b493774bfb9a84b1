// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// Any image at all: opened for reading and for writing, looked at in full, used, reopened.
//
// The first bytes of an input choose the seed, the medium and what is done; the rest are edits of the seed (edits.hpp).

#include "check.hpp"
#include "edits.hpp"
#include "memory_map.hpp"
#include "random.hpp"
#include "stream/stream.hpp"
#include "use.hpp"
#include "view.hpp"

#include <algorithm>

namespace fuzz {
namespace {

struct Deleter {
    void operator()(pmemstream *stream) const { pmemstream_delete(&stream); }
};
using Handle = std::unique_ptr<pmemstream, Deleter>;

struct Reading {
    bool opened = false;
    View seen;
    std::size_t block_size = 0;
};

std::size_t opened_block_size(pmemstream *stream)
{
    pmemstream_info info{};
    check(pmemstream_get_info(stream, &info, sizeof info) == 0, "get_info");
    return info.block_size;
}

// As pmemstream_open with read_only does, whose file would take most of the time. Not a byte is written.
Reading read_only(MemoryMap &map, bool check_data)
{
    Reading reading;
    map.forbid_stores(true);
    std::unique_ptr<pms::Stream> opened;
    const pms::Error error = pms::Stream::open(pms::Medium(map.map()), 0, pms::Stream::IfEmpty::refuse,
                                               {.read_only = true, .check_data = check_data}, opened);
    if (!pms::failed(error)) {
        const Handle stream(reinterpret_cast<pmemstream *>(opened.release()));
        reading.opened = true;
        reading.block_size = opened_block_size(stream.get());
        reading.seen = view(stream.get(), map.bytes());
        check_reports(stream.get(), map.bytes());
        check_read_only(stream.get());
        check(view(stream.get(), map.bytes()) == reading.seen, "an entry is the same the second time");
    }
    map.forbid_stores(false);
    return reading;
}

Handle open(MemoryMap &map, std::size_t block_size)
{
    pmemstream *stream = nullptr;
    const int result = pmemstream_from_map(&stream, block_size, map.map());
    check((result == 0) == (stream != nullptr), "what opened is given");
    return Handle(stream);
}

void run(Input input)
{
    const std::uint8_t start = input.byte();
    const std::uint8_t what = input.byte();
    const std::uint8_t how = input.byte();
    const Seed &seed = seeds()[start % seeds().size()];
    const auto granularity = static_cast<pmem2_granularity>(what % 3);
    const bool close = what / 4 % 2 == 0;
    const bool other_block_size = what / 8 % 8 == 0;
    restart_random();

    const auto [image, forged, sealed] = edit(seed, input);
    MemoryMap map(image, granularity);
    const Reading checked = read_only(map, true);
    const Reading read = read_only(map, false);
    check(checked.opened == read.opened, "check_data changes nothing about opening");

    const std::size_t own = read.opened ? read.block_size : seed.block_size;
    const std::size_t block_size = other_block_size ? 2 * own : own;
    Handle stream = open(map, block_size);
    if (stream == nullptr) {
        check(std::ranges::equal(map.bytes(), image), "a refused open wrote nothing");
        return;
    }
    const View found = view(stream.get(), map.bytes());
    if (read.opened) {
        check(regions(found) == regions(read.seen), "who writes sees the regions that who reads saw");
        // Records that were forged lie in others, which show once recovery has erased them.
        check(forged || places(found) == places(read.seen), "who writes sees what who reads saw");
        // A header's own check has four bits: of several that were changed, some pass it, and who does not check the
        // data steps over the entries behind.
        const std::vector<SeenEntry> whole = entries_of(checked.seen);
        check(forged || !contains(read.seen, whole) || contains(found, whole), "who writes sees what is whole");
    }
    check_reports(stream.get(), map.bytes());
    const std::vector<SeenEntry> appended = use(stream.get(), map.bytes(), how);
    const View left = view(stream.get(), map.bytes());
    for (const SeenEntry &entry : appended)
        check(see_entry(stream.get(), {entry.offset}, map.bytes()) == entry, "what was appended is there");
    // A forged clean mark on an image that was not closed leaves records behind the end of the log, which the next
    // timestamps make visible, and over which an iterator may step into the middle of what was appended.
    check(forged || sealed || contains(left, appended), "an iterator comes to what was appended");
    const Bytes killed = map.copy();
    stream.reset();

    MemoryMap after(close ? map.bytes() : killed, granularity);
    const Handle again = open(after, block_size);
    // Closing made the image consistent. Recovery may find out that it was not when it opened.
    if (again == nullptr && !close && (forged || sealed)) {
        check(std::ranges::equal(after.bytes(), killed), "a refused open wrote nothing");
        return;
    }
    check(again != nullptr, "what opened for writing reopens");
    const View reopened = view(again.get(), after.bytes());
    // A record that was forged in a damaged place, with a timestamp and a size that were not possible yet, may show,
    // and hide others, when the log has come so far.
    if (close)
        check(regions(reopened) == regions(left) && (forged || reopened == left),
              "what was there is there after closing and opening");
    if (close || !sealed)
        for (const SeenEntry &entry : appended)
            check(see_entry(again.get(), {entry.offset}, after.bytes()) == entry, "what was appended is still there");
    if (!close && !sealed)
        check(forged || contains(places(reopened), entries_of(places(left))), "what was there survives a kill");
    check_reports(again.get(), after.bytes());
    pmemstream_info info{};
    check(pmemstream_get_info(again.get(), &info, sizeof info) == 0 && info.was_clean == close, "was_clean");
}

} // namespace
} // namespace fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size)
{
    fuzz::run({data, size});
    return 0;
}
