// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// Opening and creating by path.

#include "api/api.hpp"
#include "file/mapped_file.hpp"

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <cstring>

namespace pms::api {
namespace {

constexpr std::uint64_t default_block_size = 4096;
constexpr std::uint64_t most_slots = 1 << 24;
constexpr int most_attempts = 100;
constexpr std::size_t largest_options = 4096;      // of any version
constexpr std::uint64_t longest_delay = 1'000'000; // microseconds

// A program built against a later version may pass a larger structure; what this one does not know must be zero.
Error read_options(const pmemstream_options *given, pmemstream_options &options)
{
    options = PMEMSTREAM_OPTIONS_INIT;
    if (given == nullptr)
        return Error::none;
    const std::size_t size = given->struct_size;
    if (size < sizeof given->struct_size || size % alignof(pmemstream_options) != 0 || size > largest_options)
        return Error::bad_options;
    const auto *bytes = reinterpret_cast<const char *>(given);
    for (std::size_t i = sizeof options; i < size; ++i)
        if (bytes[i] != 0)
            return Error::bad_options;
    std::memcpy(&options, given, std::min(size, sizeof options));
    const auto is_flag = [](int value) { return value == 0 || value == 1; };
    if (options.slots > most_slots)
        return Error::bad_options;
    if (options.max_delay > longest_delay || options.durability < PMEMSTREAM_DURABILITY_DEFAULT ||
        options.durability > PMEMSTREAM_DURABILITY_PROCESS)
        return Error::bad_options;
    const bool flags = is_flag(options.read_only) && is_flag(options.check_data) && is_flag(options.prefault);
    return flags ? Error::none : Error::bad_options;
}

Error open_mapped(const std::shared_ptr<MappedFile> &file, const pmemstream_options &options, Stream::IfEmpty if_empty,
                  std::unique_ptr<Stream> &stream)
{
    Medium medium(file->map(), {.descriptor = file->descriptor(), .most_size = file->most_size()});
    Options internal{.read_only = options.read_only != 0, .check_data = options.check_data != 0};
    if (options.slots != 0)
        internal.slots = std::bit_ceil(options.slots);
    if (options.durability != PMEMSTREAM_DURABILITY_DEFAULT)
        internal.durability = options.durability == PMEMSTREAM_DURABILITY_PROCESS ? format::Durability::process
                                                                                  : format::Durability::sync;
    internal.max_delay = std::chrono::microseconds(options.max_delay);
    if (internal.read_only)
        internal.has_writer = [file] { return file->has_writer(); };
    const Error error = Stream::open(medium, options.block_size, if_empty, internal, stream);
    if (failed(error))
        return error;
    stream->adopt(file);
    if (options.prefault != 0 || std::getenv("PMEMSTREAM_PREFAULT_AT_OPEN") != nullptr)
        medium.prefault();
    return error;
}

// What both calls begin with: open_with(options, opened) does the rest, and may leave `opened` empty with an error.
template <typename OpenWith>
int from_path(const char *path, const pmemstream_options *given, pmemstream **stream, OpenWith open_with)
{
    if (stream == nullptr)
        return api::fail(Error::null_out);
    *stream = nullptr;
    return call([&] {
        if (path == nullptr)
            return Error::null_path;
        pmemstream_options options;
        if (const Error error = read_options(given, options); failed(error))
            return error;
        std::unique_ptr<Stream> opened;
        if (const Error error = open_with(options, opened); failed(error))
            return error;
        *stream = wrap(opened.release());
        return Error::none;
    });
}

} // namespace
} // namespace pms::api

using namespace pms;
using namespace pms::api;

extern "C" {

int pmemstream_create(const char *path, const struct pmemstream_options *given, struct pmemstream **stream)
{
    return from_path(path, given, stream, [&](pmemstream_options &options, std::unique_ptr<Stream> &created) {
        if (options.read_only != 0)
            return Error::bad_options;
        if (options.block_size == 0)
            options.block_size = default_block_size;
        // Before the file exists.
        format::Geometry geometry;
        if (const Error error = format::plan(options.size, options.block_size, {}, geometry); failed(error))
            return error;
        std::shared_ptr<MappedFile> file;
        const auto make = [&](MappedFile::Naming naming) {
            if (const Error error = MappedFile::create(path, options.size, naming, file); failed(error))
                return error;
            if (const Error error = open_mapped(file, options, Stream::IfEmpty::format, created); failed(error))
                return error;
            return file->keep();
        };
        const Error error = make(MappedFile::Naming::last);
        if (!failed(error) || file == nullptr || !file->name_refused())
            return error;
        // Some sandboxes make files without names, and then refuse to name them.
        created.reset();
        return make(MappedFile::Naming::first);
    });
}

int pmemstream_grow(struct pmemstream *stream, uint64_t size)
{
    return call([&] {
        if (stream == nullptr)
            return Error::null_stream;
        const auto file = unwrap(stream)->file();
        if (file == nullptr)
            return Error::cannot_grow;
        return unwrap(stream)->grow(size, [&](std::uint64_t before) {
            return std::static_pointer_cast<MappedFile>(file)->extend(before, size);
        });
    });
}

int pmemstream_open(const char *path, const struct pmemstream_options *given, struct pmemstream **stream)
{
    return from_path(path, given, stream, [&](pmemstream_options &options, std::unique_ptr<Stream> &opened) {
        for (int attempt = 1;; ++attempt) {
            std::shared_ptr<MappedFile> file;
            std::string holder;
            if (const Error error = MappedFile::open(path, options.read_only != 0, file, holder); failed(error)) {
                tell_holder(holder);
                return error;
            }
            const Error error = open_mapped(file, options, Stream::IfEmpty::refuse, opened);
            // A writer may have it grow just now.
            const bool may_grow = options.read_only != 0 && attempt < most_attempts && file->length_changed();
            if (!may_grow || (error != Error::file_truncated && error != Error::file_grown))
                return error;
        }
    });
}

} // extern "C"
