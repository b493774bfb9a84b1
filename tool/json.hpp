// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// What the JSON of all commands has in common.
#pragma once

#include <libpmemstream.h>
#include <nlohmann/json.hpp>

#include <cstdint>
#include <string>

namespace tool {

// Keys keep the order they are set in.
using Json = nlohmann::ordered_json;

inline Json offset_json(std::uint64_t offset)
{
    return offset == PMEMSTREAM_INVALID_OFFSET ? Json(nullptr) : Json(offset);
}

// Indented, with a newline at the end. A file name need not be UTF-8 but JSON must be: other bytes are replaced.
inline std::string json_text(const Json &json)
{
    return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

} // namespace tool
