# SPDX-License-Identifier: BSD-3-Clause
# Copyright the pmemstream authors
# shellcheck shell=bash

# What the tests of the command line share. A test is a script that sources this and is called
#
#     NAME.sh TOOL JSON_VALUE
#
# It works in a fresh directory, in $work, which is gone afterwards, and ends at the first check that fails.

set -euo pipefail

tool=$1
json_value=$2
work=$(mktemp -d "${TMPDIR:-/tmp}/pmemstream-tool.XXXXXX")
trap 'rm -rf "$work"' EXIT
cd "$work"

fail() {
    echo "FAILED (line ${BASH_LINENO[*]}): $*" >&2
    for file in out err; do
        [[ -e $file ]] && sed "s/^/  $file: /" <"$file" | head -20 >&2
    done
    exit 1
}

# run CODE ARGUMENT...: the tool must end with that code. Its output goes to the files out and err, its input is the
# function's.
run() {
    local expected=$1 code=0
    shift
    "$tool" "$@" >out 2>err || code=$?
    [[ $code == "$expected" ]] || fail "pmemstream $*: exit code $code, not $expected"
    if [[ $expected != 2 || $1 == append ]]; then
        return
    fi
    [[ ! -s out ]] || fail "pmemstream $*: failed and wrote to standard output"
    [[ -s err ]] || fail "pmemstream $*: failed without a message"
}

says() {
    grep -qE -- "$1" out || fail "standard output lacks: $1"
}

complains() {
    grep -qE -- "$1" err || fail "standard error lacks: $1"
}

silent() {
    [[ ! -s err ]] || fail "something on standard error"
}

# value POINTER: of the JSON in the file out.
value() {
    "$json_value" "$1" <out || fail "no JSON value $1"
}

is() {
    [[ $1 == "$2" ]] || fail "'$1' is not '$2'"
}

# offset_of FILE TEXT: where in the file the text is, which must be there once.
offset_of() {
    local found
    found=$(LC_ALL=C grep -aboF -- "$2" "$1" | cut -d: -f1)
    [[ $found =~ ^[0-9]+$ ]] || fail "'$2' is not once in $1"
    echo "$found"
}

# flip FILE OFFSET: flips all bits of a byte.
flip() {
    local byte
    byte=$(od -An -tu1 -j"$2" -N1 "$1")
    # shellcheck disable=SC2059 # the format is the byte
    printf "\\x$(printf %02x $((byte ^ 255)))" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}

# eventually COMMAND...: until it succeeds, for 30 seconds at most.
eventually() {
    local tries=0
    until "$@"; do
        ((++tries < 600)) || fail "never: $*"
        sleep 0.05
    done
}
