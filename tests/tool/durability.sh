#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Copyright the pmemstream authors

# What entries survive is said wherever they are written, and stays with the stream.

# shellcheck source=tests/tool/lib.sh
source "$(dirname "$0")/lib.sh"

weak='entries survive the end of the process, not a power cut'

run 0 create stream --size 1M --durability process
says "; $weak\$"
run 0 append stream <<<one
says "^appended 1 entry, 3 bytes; last timestamp 1; on .*; $weak\$"
run 0 info stream
says "^durability +$weak\$"
run 0 info stream --json
is "$(value /durability)" process

run 0 append stream --durability sync <<<two
says '; durable on '
grep -q "$weak" out && fail "says less than it does"
run 0 info stream --json
is "$(value /durability)" sync
run 0 append stream --durability process </dev/null
run 0 info stream --json
is "$(value /durability)" process
run 0 cat stream
is "$(cat out)" $'one\ntwo'

# A kill loses nothing of it.
mkfifo pipe
"$tool" append stream <pipe >/dev/null &
writer=$!
exec 3>pipe
seq 1 1000 >&3
written() {
    "$tool" cat stream >out 2>/dev/null
    [[ $(wc -l <out) == 1002 ]]
}
eventually written
kill -9 $writer
wait $writer || true
exec 3>&-
run 0 verify stream
run 0 cat stream
is "$(wc -l <out)" 1002

run 0 create other --size 1M
run 0 info other --json
is "$(value /durability)" sync
