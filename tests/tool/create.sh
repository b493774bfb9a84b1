#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Copyright the pmemstream authors

# shellcheck source=tests/tool/lib.sh
source "$(dirname "$0")/lib.sh"

run 0 create stream --size 1M
silent
says '^created stream: 1048576 bytes in blocks of 4096, [0-9]+ for entries, on '
is "$(stat -c %s stream)" 1048576
# Its space is really allocated.
(($(stat -c '%b * %B' stream) >= 1048576)) || fail "a sparse file"

run 0 create other --size 128k --block-size 64
says '131072 bytes in blocks of 64,'
run 0 info other --json
is "$(value /block_size)" 64
is "$(value /size)" 131072

for size in 131072 131072b 128K 128kb 128KiB; do
    rm -f sized
    run 0 create sized --size $size
    is "$(stat -c %s sized)" 131072
done

# Never over anything.
before=$(sha256sum stream)
run 2 create stream --size 1M
complains '^pmemstream: stream: .* \(File exists\)$'
is "$(sha256sum stream)" "$before"
echo text >file
run 2 create file --size 1M
is "$(cat file)" text
mkdir directory
run 2 create directory --size 1M
run 2 create missing/stream --size 1M
complains '\(No such file or directory\)$'

# Bad sizes: usage errors, and no file is left behind.
for size in '' 0 -1 1x M 1MM 1.5M 0x100000 18446744073709551616 99999999T ' 1M' '1M '; do
    run 2 create new --size "$size"
    [[ ! -e new ]] || fail "size '$size' made a file"
done
for size in 0 1 63 96 100 4095 -64 x; do
    run 2 create new --size 1M --block-size $size
    [[ ! -e new ]] || fail "block size $size made a file"
done
run 2 create new --size 256 --block-size 64
[[ ! -e new ]] || fail "a file was left behind"
# More than any disk has.
run 2 create new --size 1000000T
[[ ! -e new ]] || fail "a file was left behind"
