#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Copyright the pmemstream authors

# Damaged streams: verify, cat and info end with 1, name the place, and go on to the rest.

# shellcheck source=tests/tool/lib.sh
source "$(dirname "$0")/lib.sh"
append_and_read=$3

# Two regions: one of 1 MiB with timestamps 1 to 5, one of the rest with 6 to 8.
"$append_and_read" stream first-one first-two first-three first-four first-five >/dev/null
# The second region's first line has no room in the first, and what follows stays with it.
{
    head -c 1100000 /dev/zero | tr '\0' z
    printf '\nsecond-two\nsecond-three\n'
} | run 0 append stream
run 0 info stream --json
is "$(value /region_count)" 2
region0=$(value /regions/0/offset)
is "$(value /regions/0/entries)" 5
is "$(value /regions/1/entries)" 3
run 0 cat stream
cp out whole

# A byte of an entry's data.
cp stream data
at=$(offset_of data first-three)
flip data $((at + 3))
run 1 verify data
says "^data: damage at offset [0-9]+, [0-9]+ bytes, region 0 at offset $region0, timestamp 3: "
says '^data: 1 damage; 7 whole entries, '
run 1 verify data --json
is "$(value /damages/0/region)" 0
is "$(value /damages/0/region_offset)" "$region0"
is "$(value /damages/0/timestamp)" 3
is "$(value /entries)" 7
offset=$(value /damages/0/offset)
size=$(value /damages/0/size)
((offset <= at + 3 && at + 3 < offset + size)) || fail "damage at $offset, $size bytes, but the byte is at $((at + 3))"
run 1 cat data
grep -v first-three whole | cmp - out || fail "the rest differs"
complains "^pmemstream: data: damage at offset $offset, .* region 0 .* timestamp 3: "
run 1 cat data --region 0
# The other region is sound.
run 0 cat data --region 1
silent

# A byte of an entry's header.
cp stream header
at=$(offset_of header first-three)
flip header $((at - 16))
run 1 verify header --json
is "$(value /damages/0/region)" 0
is "$(value /entries)" 7
offset=$(value /damages/0/offset)
size=$(value /damages/0/size)
((offset <= at - 16 && at - 16 < offset + size)) || fail "damage at $offset, $size bytes"
run 1 cat header
grep -v first-three whole | cmp - out || fail "the rest differs"
complains "^pmemstream: header: damage at offset $offset, "
run 1 info header
run 1 info header --json

# Both of them, in two regions: each is named.
cp data both
flip both "$(offset_of both second-three)"
run 1 verify both --json
is "$(value /damages/0/timestamp)" 3
is "$(value /damages/1/timestamp)" 8
is "$(value /damages/1/region)" 1
run 1 verify both
says '^both: 2 damages; 6 whole entries, '

# A region's header: the other region is still read and checked. Its bytes from 0 on are the span's word, from 8 on its
# generation, from 24 on its limit.
for byte in 0 8 24; do
    cp stream region_header
    flip region_header $((region0 + byte))
    flip region_header "$(offset_of region_header second-three)"
    run 1 verify region_header
    says "^region_header: damage at offset $((region0 + byte)), "
    says 'timestamp 8: '
    run 1 verify region_header --json
    value /damages/1 >/dev/null
    run 1 cat region_header
    grep -q second-two out || fail "byte $byte: the other region is lost"
    ! grep -q second-three out || fail "byte $byte: damaged data was printed"
    complains "damage at offset $((region0 + byte)), "
    run 1 info region_header
    run 1 info region_header --json
    value /regions >/dev/null
done

# One superblock: all entries are there, but it is damage.
cp stream superblock
flip superblock 20
run 1 verify superblock
says '^superblock: damage at offset [0-9]+, [0-9]+ bytes, in no region: '
says '1 damage; 8 whole entries'
run 1 verify superblock --json
is "$(value /damages/0/region)" null
is "$(value /damages/0/timestamp)" null
run 1 cat superblock
cmp whole out || fail "not all entries"

# No command that only reads changes a damaged file.
for file in data header both region_header superblock; do
    before=$(sha256sum $file)
    run 1 verify $file
    run 1 cat $file
    "$tool" info $file >out 2>err || true
    is "$(sha256sum $file)" "$before"
done
