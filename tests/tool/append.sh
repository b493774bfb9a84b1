#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Copyright the pmemstream authors

# shellcheck source=tests/tool/lib.sh
source "$(dirname "$0")/lib.sh"

run 0 create stream --size 16M

# Nothing to append: no region is made for it.
run 0 append stream </dev/null
says '^appended 0 entries, 0 bytes$'
run 0 info stream --json
is "$(value /region_count)" 0

# A region by number must be there.
run 2 append stream --region 0 <<<line
complains 'there is no region 0: the stream has 0'
is "$(cat out)" ''

run 0 append stream <<<one
silent
says '^appended 1 entry, 3 bytes; last timestamp 1; durable on (an ordinary file|persistent memory) '
printf 'two\nthree' | run 0 append stream --region 0
says '^appended 2 entries, 8 bytes; last timestamp 3; '
run 0 info stream --json
is "$(value /region_count)" 1
is "$(value /regions/0/entries)" 3
run 0 cat stream
is "$(cat out)" $'one\ntwo\nthree'
run 2 append stream --region 1 <<<line
complains 'there is no region 1: the stream has 1'
for region in x '' -1 1.0 0x0 18446744073709551616; do
    run 2 append stream --region "$region" <<<line
done
run 0 cat stream
is "$(cat out)" $'one\ntwo\nthree'

# Any bytes, empty lines, a last line without its newline, lines longer than what is read at once.
run 0 create binary --size 16M
{
    printf '\n\n\0\n\x80\xff\r\n'
    head -c 100000 /dev/urandom | tr '\n' x
    printf '\n\n'
    head -c 3000000 /dev/urandom | tr '\n' y
    printf '\n'
    head -c 1000 /dev/urandom
    printf '\nend'
} >input
run 0 append binary <input
says "^appended $(($(wc -l <input) + 1)) entries, $(($(wc -c <input) - $(wc -l <input))) bytes; "
run 0 cat binary
echo >>input
cmp out input || fail "other bytes came back"

# More lines than a batch takes.
run 0 create many --size 16M
seq 1 50000 >input
run 0 append many <input
says '^appended 50000 entries, 238894 bytes; last timestamp 50000; '
run 0 cat many
cmp out input || fail "other lines came back"

# When its region is full it says how many were appended, and these are there.
run 0 create small --size 64K
seq 1 100000 >input
run 2 append small <input
complains 'the stream has no room for an entry of [0-9]+ bytes'
count=$(sed -E 's/^appended ([0-9]+) entries, .*; last timestamp ([0-9]+); .*/\1 \2/' out)
[[ $count =~ ^([0-9]+)\ ([0-9]+)$ && ${BASH_REMATCH[1]} == "${BASH_REMATCH[2]}" ]] || fail "report: $count"
count=${BASH_REMATCH[1]}
((count > 1000)) || fail "only $count"
run 0 cat small
is "$(wc -l <out)" "$count"
head -n "$count" input | cmp - out || fail "other lines are there"
run 2 append small --region 0 <<<'line'
complains 'region 0 has no room for an entry of 4 bytes'
says '^appended 0 entries, 0 bytes$'
run 0 verify small

# The same when it must stay in its region.
run 0 create bound --size 64K
run 0 append bound <<<0
run 2 append bound --region 0 <input
complains 'region 0 has no room for an entry of [0-9]+ bytes'
says "^appended $((count - 1)) entries, [0-9]+ bytes; last timestamp $count; "

# A line that the stream can never hold does not fill the memory, and what came before it is durable.
{
    echo first
    head -c 1000000 /dev/zero
} >input
run 0 create tiny --size 64K
run 2 append tiny <input
complains 'a line is longer than 65536 bytes'
says '^appended 1 entry, 5 bytes; '

# What cannot be read as input.
run 2 append stream <.
complains '^pmemstream: standard input: '

# Nobody reads the report, and it goes nowhere near the stream's file.
run 0 create closed --size 1M
"$tool" append closed >&- <<<one || fail "closed standard output"
echo two | "$tool" append closed 2>&- || fail "closed standard error"
"$tool" append closed <&- >&- 2>&- || fail "all closed"
echo three | "$tool" append closed | true
run 0 cat closed
is "$(cat out)" $'one\ntwo\nthree'
run 0 verify closed
