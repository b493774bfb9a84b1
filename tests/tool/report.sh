#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Copyright the pmemstream authors

# What info and verify say of sound streams.

# shellcheck source=tests/tool/lib.sh
source "$(dirname "$0")/lib.sh"

run 0 create stream --size 1M
run 0 info stream --json
is "$(value /file)" stream
is "$(value /was_clean)" true
is "$(value /regions)" '[]'
is "$(value /dropped)" '[]'
is "$(value /persisted_timestamp)" 0
run 0 verify stream
silent
is "$(cat out)" 'stream: no damage; 0 entries, 0 bytes in them'

printf 'one\n\nthree\n' | run 0 append stream
run 0 info stream
silent
for line in 'durability +entries survive a power cut' 'size +1048576 bytes' 'block size +4096 bytes' 'closed cleanly +yes' 'persisted timestamp +3' \
    'committed timestamp +3' 'dropped entries +0' 'regions +1' 'region 0' '  entries +3' '  open reservations +0'; do
    says "^$line\$"
done

run 0 info stream --json
for key in file uuid format_version medium durability read_only was_clean size block_size metadata_size region_count free_size \
    largest_free_size committed_timestamp persisted_timestamp recovered_entries dropped_entries damage_count dropped; do
    value /$key >/dev/null
done
for key in number offset generation size usable_size entries damages open_reservations data_offset end_offset \
    limit_offset checkpoint_offset; do
    value /regions/0/$key >/dev/null
done
[[ $(value /uuid) =~ ^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$ ]] || fail "uuid"
[[ $(value /medium) =~ ^(byte|cache_line|page)$ ]] || fail "medium"
is "$(value /read_only)" true
is "$(value /persisted_timestamp)" 3
is "$(value /regions/0/number)" 0
# Each entry takes 16 bytes and its own, rounded up to 8.
is $(($(value /regions/0/size) - $(value /regions/0/usable_size))) $((3 * 16 + 8 + 0 + 8))

run 0 verify stream
is "$(cat out)" 'stream: no damage; 3 entries, 8 bytes in them'
run 0 verify stream --json
is "$(value /entries)" 3
is "$(value /bytes)" 8
is "$(value /was_clean)" true
is "$(value /damages)" '[]'

# Looking at it changes nothing, and needs no right to.
before=$(sha256sum stream)
chmod a-w stream
run 0 cat stream
is "$(cat out)" $'one\n\nthree'
run 0 info stream
run 0 verify stream
is "$(sha256sum stream)" "$before"

# A name that is not UTF-8 is still valid JSON.
cp stream $'na\xffme'
run 0 info $'na\xffme' --json
value /file >/dev/null
run 0 verify $'na\xffme' --json
value /file >/dev/null

# A reader that goes away is no error; a full disk is.
chmod u+w stream
seq 1 20000 | run 0 append stream
for command in cat info verify; do
    "$tool" $command stream 2>err | head -n 1 >out || fail "$command into head"
    silent
    if [[ -w /dev/full ]]; then
        code=0
        "$tool" $command stream >/dev/full 2>err || code=$?
        is $code 2
        complains '^pmemstream: standard output: '
    fi
done
