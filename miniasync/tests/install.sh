#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Copyright the pmemstream authors
#
# Usage: install.sh CMAKE BUILD_DIR SOURCE_DIR WORK_DIR LIBDIR CC CXX C_FLAGS
# Installs the build, moves the installed tree, and uses it through CMake and through pkg-config.

set -eu

cmake=$1 build=$2 source=$3 work=$4 libdir=$5 cc=$6 cxx=$7 c_flags=$8

rm -rf "$work"
mkdir -p "$work"
"$cmake" --install "$build" --prefix "$work/before" >"$work/install.log"
mv "$work/before" "$work/prefix"

"$cmake" -S "$source/tests/install" -B "$work/consumer" -DCMAKE_C_COMPILER="$cc" -DCMAKE_CXX_COMPILER="$cxx" \
    -DCMAKE_C_FLAGS="$c_flags" -DCMAKE_CXX_FLAGS="$c_flags" -DCMAKE_PREFIX_PATH="$work/prefix" \
    -DEXAMPLE="$source/examples/copy.c"
"$cmake" --build "$work/consumer"
"$work/consumer/copy_shared"
"$work/consumer/copy_static"

if command -v pkg-config >/dev/null; then
    PKG_CONFIG_PATH="$work/prefix/$libdir/pkgconfig"
    export PKG_CONFIG_PATH
    # Unquoted: both are lists of options.
    "$cc" $c_flags -std=c11 "$source/examples/copy.c" $(pkg-config --cflags --libs libminiasync) \
        -o "$work/copy_pkg_config"
    LD_LIBRARY_PATH="$work/prefix/$libdir" "$work/copy_pkg_config"
fi
