#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Copyright the pmemstream authors

# A writer that is there, that is asked to stop, and that is killed.

# shellcheck source=tests/tool/lib.sh
source "$(dirname "$0")/lib.sh"

run 0 create stream --size 1M
mkfifo input

# start: a writer that reads from the script's descriptor 3.
start() {
    "$tool" append stream <input >writer_out 2>writer_err &
    writer=$!
    exec 3>input
}

shows() {
    "$tool" cat stream 2>/dev/null | grep -qx -- "$1"
}

# A line is durable, and readers see it, while the writer waits for the next one.
start
echo one >&3
eventually shows one
printf 'two\nthree\nhalf' >&3
eventually shows three
! shows half || fail "an unfinished line is there"

# A second writer is turned away, readers are not.
run 2 append stream <<<intruder
complains '^pmemstream: stream: .* \(Device or resource busy\)$'
is "$(cat out)" ''
run 0 verify stream
says '^stream: not closed cleanly, or open in a writer: '
says 'no damage; 3 entries, 11 bytes'
run 0 verify stream --json
is "$(value /was_clean)" false
run 0 info stream
says '^closed cleanly +no, or open in a writer$'
run 0 info stream --json
is "$(value /regions/0/entries)" 3

# The end of the input: the unfinished line counts.
exec 3>&-
wait $writer || fail "the writer failed"
is "$(sed 's/; durable.*//' writer_out)" 'appended 4 entries, 15 bytes; last timestamp 4'
run 0 verify stream
is "$(cat out)" 'stream: no damage; 4 entries, 15 bytes in them'

# Asked to stop, it reports, closes the stream cleanly, and obeys.
start
echo five >&3
eventually shows five
kill -TERM $writer
code=0
wait $writer || code=$?
is $code 143
exec 3>&-
is "$(sed 's/; durable.*//' writer_out)" 'appended 1 entry, 4 bytes; last timestamp 5'
run 0 info stream --json
is "$(value /was_clean)" true

# Killed, it takes nothing of what was durable with it, and holds no lock.
start
seq 6 99 >&3
eventually shows 99
kill -KILL $writer
{ wait $writer || true; } 2>err
exec 3>&-
run 0 verify stream
says '^stream: not closed cleanly, .* [0-9]+ entries behind the last checkpoints recovered, 0 dropped$'
says '^stream: no damage; 99 entries, '
run 0 cat stream --from 5
{ echo five; seq 6 99; } | cmp - out || fail "other lines"
run 0 append stream <<<hundred
says 'last timestamp 100;'
run 0 verify stream
is "$(wc -l <out)" 1
