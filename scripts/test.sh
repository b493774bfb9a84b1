#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Copyright the pmemstream authors

# Builds and runs the tests: everything as it ships, then what sanitizers can find, then the checks of the code. The last line
# says how many tests ran.

set -eu
cd "$(dirname "$0")/.."
log=build/test-log
mkdir -p build
: >"$log"

# run PRESET CTEST_ARGUMENT...
run() {
    preset=$1
    shift
    status=0
    ctest --preset "$preset" --no-tests=error "$@" >build/ctest-output 2>&1 || status=$?
    cat build/ctest-output >>"$log"
    if [ "$status" != 0 ]; then
        cat build/ctest-output
    fi
    sed -n '/tests passed/p' build/ctest-output
    return "$status"
}

echo "== release: every test"
cmake --preset release >/dev/null
cmake --build --preset release
run release

echo "== lint"
scripts/lint.sh

echo "== address and undefined behaviour sanitizers"
cmake --preset asan >/dev/null
cmake --build --preset asan
# An installed library with sanitizers in it asks more of its users than their own build files say.
run asan -E '^(crash\.Opening|miniasync\.install)'

echo "== thread sanitizer: what has threads"
cmake --preset tsan >/dev/null
cmake --build --preset tsan --target tests/unit/all tests/api_c/all miniasync/all
# A map of a tebibyte does not always fit between what this sanitizer keeps for itself.
run tsan -R '^(unit\.Commit|api_c\.|miniasync\.)' -E '^(miniasync\.install|api_c\.large)'

echo "== fuzzing, shortly"
scripts/fuzz.sh short

awk '/tests passed/ { failed += $4; ran += $NF } END { printf "tests: %d passed, %d failed\n", ran - failed, failed }' "$log"
