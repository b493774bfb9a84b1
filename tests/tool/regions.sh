#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Copyright the pmemstream authors

# Several regions: examples/append_and_read makes one of 1 MiB, the tool another of what is left.

# shellcheck source=tests/tool/lib.sh
source "$(dirname "$0")/lib.sh"
append_and_read=$3

"$append_and_read" stream first >/dev/null
run 0 info stream --json
is "$(value /region_count)" 1
size=$(value /regions/0/size)

# More than the region holds: it goes on in a new one.
head -c 768000 /dev/urandom | od -An -tx1 -w64 -v >input
run 0 append stream <input
silent
says '^appended 12000 entries, 2304000 bytes; last timestamp 12001; '
run 0 info stream --json
is "$(value /region_count)" 2
is "$(value /regions/0/size)" "$size"
first=$(value /regions/0/entries)
((first > 1000 && first < 6000)) || fail "$first entries in region 0"
is "$(value /regions/1/entries)" $((12001 - first))

{ echo first; cat input; } >all
run 0 cat stream
cmp all out || fail "other lines, or in another order"
run 0 cat stream --region 0
head -n "$first" all | cmp - out || fail "region 0 differs"
run 0 cat stream --region 1
tail -n $((12001 - first)) all | cmp - out || fail "region 1 differs"
run 2 cat stream --region 2
complains 'there is no region 2: the stream has 2'
run 2 cat stream --region x

# Bound to a full region it does not go on elsewhere, and says how far it came.
for ((n = 0; n < 10; ++n)); do
    printf '%0100000d\n' $n
done >input
run 2 append stream --region 0 <input
complains 'region 0 has no room for an entry of 100000 bytes'
says '^appended 0 entries, 0 bytes$'

# The global order is that of the timestamps, whatever the regions.
run 0 append stream --region 1 <<<'in region 1'
echo 'x' | run 0 append stream --region 0
says 'last timestamp 12003;'
run 0 cat stream --from 12002
is "$(cat out)" $'in region 1\nx'
run 0 cat stream --from 12003
is "$(cat out)" x
run 0 cat stream --from 12002 --region 1
is "$(cat out)" 'in region 1'
run 0 cat stream --from 12004
is "$(cat out)" ''
run 0 cat stream --from 0
is "$(wc -l <out)" 12003
run 0 cat stream --from 18446744073709551615
is "$(cat out)" ''
for from in x '' -1 18446744073709551616; do
    run 2 cat stream --from "$from"
done
run 0 verify stream
says '^stream: no damage; 12003 entries, '
