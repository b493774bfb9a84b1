#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Copyright the pmemstream authors

# Installs the build into a prefix of its own and builds a foreign program against it: found by CMake and by pkg-config,
# there and after the whole tree was moved. Then looks at the names that the library gives away.
#
# package.sh BUILD SOURCE WORK LIBDIR; CC, CXX, CMAKE, NM and READELF name the tools.
set -euo pipefail

build=$1
source=$2
work=$3
libdir=$4
program=$source/tests/api_c/all_functions.c

fail()
{
    echo "failed: $*" >&2
    exit 1
}

# The prefix may lie where the loader does not look by itself.
run()
{
    local prefix=$1
    shift
    TMPDIR=$work LD_LIBRARY_PATH=$prefix/$libdir "$@" || fail "$*"
}

use_by_cmake()
{
    local prefix=$1 directory=$work/by_cmake
    rm -rf "$directory"
    "$CMAKE" -S "$source/tests/install/consumer" -B "$directory" -DCMAKE_PREFIX_PATH="$prefix" -DPROGRAM="$program" \
        -DCMAKE_C_COMPILER="$CC" -DCMAKE_FIND_USE_PACKAGE_REGISTRY=OFF
    "$CMAKE" --build "$directory"
    # Without help: CMake's own run-time path leads there.
    TMPDIR=$work "$directory/with_pmemstream"
    TMPDIR=$work "$directory/with_pmemstream_static"
    "$READELF" -d "$directory/with_pmemstream" | grep -q 'NEEDED.*libpmemstream\.so\.1\]' ||
        fail "not linked to the library"
    if "$READELF" -d "$directory/with_pmemstream_static" | grep -q 'NEEDED.*libpmemstream'; then
        fail "the static one is linked to the shared one"
    fi
}

use_by_pkg_config()
{
    local prefix=$1 flags
    flags=$(PKG_CONFIG_PATH=$prefix/$libdir/pkgconfig pkg-config --cflags --libs libpmemstream)
    # shellcheck disable=SC2086
    "$CC" -std=c11 -D_POSIX_C_SOURCE=200809L -Wall -Wextra -Wpedantic -Werror "$program" $flags \
        -o "$work/by_pkg_config"
    run "$prefix" "$work/by_pkg_config"
}

# Prints what the file's version node exports, one name a line.
exported()
{
    "$NM" -D --defined-only "$1" |
        awk -v node="$2" '$2 != "A" { n = split($3, part, /@+/); if (part[n] == node) print part[1] }' | LC_ALL=C sort
}

# Prints the names of a node of the symbol map.
mapped()
{
    awk -v node="$1" '$1 == node { inside = 1 }
        inside && /}/ { exit }
        inside && /pmemstream_.*;/ { gsub(/[; ]/, ""); print }' "$source/src/api/libpmemstream.map" | LC_ALL=C sort
}

rm -rf "$work"
mkdir -p "$work"
"$CMAKE" --install "$build" --prefix "$work/prefix" >"$work/install.log" ||
    fail "cmake --install, see $work/install.log"

library=$work/prefix/$libdir/libpmemstream.so
[[ $(readlink "$library") == libpmemstream.so.1 ]] || fail "libpmemstream.so is no link to its soname"
"$READELF" -d "$library" | grep -q 'SONAME.*\[libpmemstream\.so\.1\]' || fail "the soname"
for node in LIBPMEMSTREAM_1.0 LIBPMEMSTREAM_1.1; do
    diff <(mapped $node) <(exported "$library" $node) || fail "the names of $node"
done
[[ $(exported "$library" LIBPMEMSTREAM_1.0 | wc -l) == 31 ]] || fail "LIBPMEMSTREAM_1.0 has not 31 names"
others=$("$NM" -D --defined-only "$library" | grep -v -E '@@LIBPMEMSTREAM_1\.[01]$| A LIBPMEMSTREAM_1\.[01]$' || true)
[[ -z $others ]] || fail "exported besides: $others"
# What the header declares and what the library exports are the same.
diff <(grep -o -E '\bpmemstream_[a-z_]+\(' "$work/prefix/include/libpmemstream.h" | tr -d '(' | LC_ALL=C sort -u) \
    <(for node in LIBPMEMSTREAM_1.0 LIBPMEMSTREAM_1.1; do exported "$library" $node; done | LC_ALL=C sort) ||
    fail "the header and the library differ"

use_by_cmake "$work/prefix"
use_by_pkg_config "$work/prefix"

mv "$work/prefix" "$work/moved"
if grep -r -l -F -e "$work/prefix" -e "$build" -e "$source" --include='*.cmake' --include='*.pc' --include='*.h' \
    "$work/moved"; then
    fail "these files name the place that they were installed to or built in"
fi
use_by_cmake "$work/moved"
use_by_pkg_config "$work/moved"
