#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Copyright the pmemstream authors

# Runs the tests on a build that counts, and shows which lines and branches of the libraries they run: a table, and the
# sources with their counts in build/coverage/report/. Both builds of each room, for the medium that ships and for the
# simulated one, count together. Branches that only an exception takes, and those that the compiler made and nothing can
# take, are left out. So is the build under the scheduler, where each step of a thread may throw: it ends a thread so.

set -eu
cd "$(dirname "$0")/.."
build=build/coverage

cmake --preset coverage >/dev/null
cmake --build --preset coverage
find "$build" -name '*.gcda' -delete
# Not those that do one thing very often, and those of an installed library: a foreign project does not link what counts.
ctest --preset coverage --no-tests=error \
    -E '^(crash\.(Opening|Damage.EveryFlipped)|install\.|miniasync\.install|api_c\.all_functions\.valgrind)'

report=$build/report
mkdir -p "$report"
gcovr --root . --object-directory "$build" --filter src/ --filter miniasync/src/ --exclude-directories '.*scheduled.*' \
    --exclude-throw-branches --exclude-unreachable-branches --json "$report/as-compiled.json"
# A header is compiled through its room's link in the build directory: back to where it lies.
sed "s#$build/rooms/[^/\"]*/#src/#g" "$report/as-compiled.json" >"$report/counts.json"
for library in src miniasync/src; do
    echo "== $library: lines"
    gcovr --root . --add-tracefile "$report/counts.json" --filter "$library/"
    echo "== $library: branches"
    gcovr --root . --add-tracefile "$report/counts.json" --filter "$library/" --branches
done
gcovr --root . --add-tracefile "$report/counts.json" --html-details "$report/index.html"
echo "The sources with their counts: $report/index.html"
