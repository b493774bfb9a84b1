#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Copyright the pmemstream authors

# Making a stream larger.

# shellcheck source=tests/tool/lib.sh
source "$(dirname "$0")/lib.sh"

run 0 create stream --size 1M
seq 1 60000 >input
# More than there is room for.
run 2 append stream <input
complains 'the stream has no room for an entry of 5 bytes$'
appended=$("$tool" cat stream | wc -l)
((appended > 40000 && appended < 60000)) || fail "$appended entries"

run 0 grow stream --size 4M
silent
says '^grew stream from 1048576 to 4194304 bytes, 3145664 for entries of a new region, on '
is "$(stat -c %s stream)" 4194304
(($(stat -c '%b * %B' stream) >= 4194304)) || fail "a sparse file"
tail -n +$((appended + 1)) input | run 0 append stream
run 0 cat stream
cmp out input || fail "other lines came back"
run 0 verify stream
run 0 info stream --json
is "$(value /size)" 4194304
is "$(value /was_clean)" true

# What it has already is no error; less is one, and so is nonsense.
run 0 grow stream --size 4M
before=$(sha256sum stream)
run 2 grow stream --size 3M
complains 'larger, not smaller \(Invalid argument\)$'
run 2 grow stream --size 1000000T
run 2 grow stream --size x
is "$(sha256sum stream)" "$before"

# Beside a writer.
mkfifo pipe
"$tool" append stream <pipe >/dev/null &
writer=$!
exec 3>pipe
echo 'by the writer' >&3
written() {
    [[ $("$tool" cat stream 2>/dev/null | tail -1) == 'by the writer' ]]
}
eventually written
run 2 grow stream --size 5M
complains "another writer has the stream open: process $writer \(pmemstream\) \(Device or resource busy\)$"
exec 3>&-
wait $writer
run 0 grow stream --size 5M

# A file that somebody else made longer is none that grew.
truncate -s 6M stream
run 2 cat stream
complains 'longer'
truncate -s 5M stream
run 0 verify stream
