// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// What an input does to its image before it is opened: bytes flipped, words, headers and records written with whatever
// is in them and with the checksums that belong to them, so that what is behind the checksums is reached.
#pragma once

#include "input.hpp"
#include "seeds.hpp"

namespace fuzz {

struct Edited {
    Bytes image;
    bool forged; // records were made, which may overlap: whoever goes from header to header steps over some
    bool sealed; // a clean mark was made for metadata that no closed stream had
};

// Takes all that is left of the input.
Edited edit(const Seed &seed, Input &input);

} // namespace fuzz
