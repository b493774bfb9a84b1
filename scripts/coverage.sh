#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Copyright the pmemstream authors

# Runs the tests on a build that counts, and shows which lines and branches of the libraries they run: a table, and the
# sources with their counts in build/coverage/report/. Both builds of each room, for the medium that ships and for the
# simulated one, count together. Branches that only an exception takes, and those that the compiler made and nothing can
# take, are left out.

set -eu
cd "$(dirname "$0")/.."
build=build/coverage

cmake --preset coverage >/dev/null
cmake --build --preset coverage
find "$build" -name '*.gcda' -delete
# A foreign project does not link what counts.
ctest --preset coverage --no-tests=error -E '^(install\.|miniasync\.install|api_c\.all_functions\.valgrind)'

report() {
    gcovr --root . --object-directory "$build" --exclude-throw-branches --exclude-unreachable-branches "$@"
}
mkdir -p "$build/report"
report --filter src/ --filter miniasync/src/ --html-details "$build/report/index.html" --json "$build/report/counts.json"
for library in src miniasync/src; do
    echo "== $library: lines"
    report --add-tracefile "$build/report/counts.json" --filter "$library/"
    echo "== $library: branches"
    report --add-tracefile "$build/report/counts.json" --filter "$library/" --branches
done
echo "The sources with their counts: $build/report/index.html"
