#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Copyright the pmemstream authors

# Installs what is missing of what the project needs, with apt-get. When nothing is missing it changes nothing, and
# needs neither the network nor root.
#
#     deps.sh [build | coverage | fuzz | bench]
#
# build: only what building needs, without the tools that check the code (a fraction of the download).
# coverage: that, and what measures the tests' coverage.
# fuzz: that, and a compiler with a fuzzing engine.
# bench: what building needs, and what the benchmarks measure beside the library.

set -eu

build="g++ make cmake ninja-build pkg-config libpmem2-dev libxxhash-dev libcli11-dev libfmt-dev nlohmann-json3-dev
       libgtest-dev librapidcheck-dev"
checks="valgrind clang-format clang-tidy cppcheck libjemalloc-dev"
# Not clang-14, the default of Debian 12: with its standard library it has no std::source_location.
fuzz="clang-19 libclang-rt-19-dev"
bench="libpmemlog-dev librocksdb-dev liblmdb-dev libleveldb-dev libsqlite3-dev"

case ${1-} in
build) packages=$build ;;
coverage) packages="$build gcovr" ;;
fuzz) packages="$build $fuzz" ;;
bench) packages="$build $bench" ;;
'') packages="$build $checks $fuzz" ;;
*)
    echo "usage: deps.sh [build | coverage | fuzz | bench]" >&2
    exit 2
    ;;
esac

if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
    echo "deps: no apt-get here. Install what these Debian packages hold, and use cmake with its presets:" >&2
    echo "$packages" >&2
    exit 1
fi

missing=
for package in $packages; do
    status=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) || status=
    [ "$status" = installed ] || missing="$missing $package"
done
if [ -z "$missing" ]; then
    echo "deps: everything is there"
    exit 0
fi

if [ "$(id -u)" = 0 ]; then
    as_root=
elif command -v sudo >/dev/null; then
    as_root=sudo
else
    echo "deps: missing:$missing" >&2
    echo "deps: installing them takes root or sudo. As root: apt-get install$missing" >&2
    exit 1
fi

log=$(mktemp "${TMPDIR:-/tmp}/pmemstream-deps.XXXXXX")
trap 'rm -f "$log"' EXIT

apt() {
    # env, because sudo passes on no variables.
    if ! $as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o Dpkg::Use-Pty=0 "$@" >"$log" 2>&1; then
        tail -n 20 "$log" >&2
        echo "deps: apt-get $* failed" >&2
        exit 1
    fi
}

echo "deps: installing$missing"
apt update
# shellcheck disable=SC2086 # a list of words
apt install --no-install-recommends $missing
echo "deps: done"
