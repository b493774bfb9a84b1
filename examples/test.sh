#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Copyright the pmemstream authors

# Runs an example and checks what it did.
#
#     test.sh append_and_read|async|ingest PROGRAM [TOOL]
#
# TOOL is the command line `pmemstream`.

set -euo pipefail

program=$2
tool=${3:-}
work=$(mktemp -d "${TMPDIR:-/tmp}/pmemstream-example.XXXXXX")
trap 'rm -rf "$work"' EXIT

fail() {
    echo "FAILED: $*" >&2
    exit 1
}

check_append_and_read() {
    [[ $("$program" "$work/stream" one two) == $'1: one\n2: two' ]] || fail "a new stream"
    [[ $("$program" "$work/stream" three) == $'1: one\n2: two\n3: three' ]] || fail "an existing stream"
    [[ $("$program" "$work/stream") == $'1: one\n2: two\n3: three' ]] || fail "reading only"
    echo "something else" >"$work/foreign"
    ! "$program" "$work/foreign" 2>"$work/message" || fail "took a foreign file"
    [[ -s $work/message ]] || fail "no message about a foreign file"
}

check_async() {
    "$program" "$work/stream" | grep -q '^1000 entries of 4096 bytes are durable, the last timestamp is 1000$' ||
        fail "the program's report"
    [[ $("$tool" cat "$work/stream" | tr -d '\0' | sort -u | wc -l) == 1000 ]] || fail "not all entries are there"
}

# Kills the program between the acknowledgement of some lines and the end of its input, lets it go on, and compares.
check_ingest() {
    seq 1 50000 >"$work/input.0"
    seq -f 'a longer line with the number %.0f, so that the lengths differ' 1 25000 >"$work/input.1"
    "$tool" create "$work/stream" --size 16M

    "$program" "$work/stream" "$work/notes" "$work/input.0" "$work/input.1" &
    local pid=$! submitted=0 acknowledged=0 tries=0
    until [[ $acknowledged -gt 100 ]]; do
        sleep 0.01
        { read -r submitted acknowledged _ <"$work/notes.0"; } 2>"$work/no_notes_yet" || true
        acknowledged=$((10#${acknowledged:-0}))
        ((++tries < 3000)) || fail "no acknowledgement in 30 seconds"
    done
    kill -9 $pid 2>"$work/message" || true
    { wait $pid || true; } 2>"$work/message"

    local n recovered
    for n in 0 1; do
        [[ -s $work/notes.$n ]] || continue
        read -r submitted acknowledged _ <"$work/notes.$n"
        "$tool" cat "$work/stream" --region $n >"$work/output.$n"
        recovered=$(wc -l <"$work/output.$n")
        ((recovered >= 10#$acknowledged)) || fail "file $n: $acknowledged acknowledged, $recovered recovered"
        ((recovered <= 10#$submitted)) || fail "file $n: $submitted submitted, $recovered recovered"
        head -n "$recovered" "$work/input.$n" | cmp - "$work/output.$n" || fail "file $n: other lines"
    done
    "$tool" verify "$work/stream" || fail "verify after the kill"

    "$program" "$work/stream" "$work/notes" "$work/input.0" "$work/input.1" || fail "the second run"
    for n in 0 1; do
        "$tool" cat "$work/stream" --region $n | cmp - "$work/input.$n" || fail "file $n after the second run"
    done
    "$tool" verify "$work/stream" || fail "verify at the end"
}

"check_$1"
