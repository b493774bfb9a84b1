#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Copyright the pmemstream authors
#
# Usage: symbols.sh READELF LIBRARY MAP
# The library exports what its symbol map names, in that version node, and nothing else.

set -eu

expected=$(sed -n 's/^ *\([a-z_]*\);$/\1@@LIBMINIASYNC_1.0/p' "$3" | LC_ALL=C sort)
actual=$("$1" --dyn-syms -W "$2" | awk '$1 ~ /^[0-9]+:$/ && $7 != "UND" && $7 != "ABS" { print $8 }' | LC_ALL=C sort)

if [ -z "$expected" ] || [ "$expected" != "$actual" ]; then
    printf 'expected:\n%s\nexported:\n%s\n' "$expected" "$actual"
    exit 1
fi
