#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Copyright the pmemstream authors

# Checks the code without running it: its format, what clang-tidy and cppcheck find, and the words that stand for unfinished work.

set -eu
cd "$(dirname "$0")/.."
# What ships, each file once; joined to a few, since most of the time goes into the headers.
build=build/lint
cmake -S . -B "$build" -G Ninja -DPMEMSTREAM_BUILD_TESTS=OFF -DCMAKE_UNITY_BUILD=ON >/dev/null

echo "lint: format"
git ls-files '*.c' '*.h' '*.cpp' '*.hpp' | xargs clang-format --dry-run -Werror

echo "lint: unfinished work"
if git grep -InwE 'TODO|FIXME|XXX|HACK' -- . ':!scripts/lint.sh'; then
    echo "lint: decide it, do not mark it" >&2
    exit 1
fi

echo "lint: the README's example is the one that the tests run"
sed 's/^ *//' examples/append_and_read.c >"$build/example-lines"
sed -n '/^```c$/,/^```$/p' README.md | sed '1d;$d;s/^ *//' | while IFS= read -r line; do
    grep -qxF -e "$line" "$build/example-lines" || {
        echo "not in examples/append_and_read.c: $line" >&2
        exit 1
    }
done

echo "lint: clang-tidy"
find "$build" -name 'unity_*_cxx.cxx' |
    xargs -P "$(nproc)" -n 1 clang-tidy --quiet --checks=-bugprone-suspicious-include -p "$build" 2>"$build/clang-tidy-log" || {
    cat "$build/clang-tidy-log" >&2
    exit 1
}

echo "lint: cppcheck"
cppcheck --quiet --std=c++20 --language=c++ --enable=warning,performance,portability --inline-suppr --error-exitcode=1 \
    --suppress=missingIncludeSystem --suppress=legacyUninitvar -j "$(nproc)" -I include -I miniasync/include src miniasync/src tool
