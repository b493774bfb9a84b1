#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Copyright the pmemstream authors

# Builds the fuzz targets and has both look for inputs that break the library, at the same time, from the corpus that is kept.
#
#     fuzz.sh SECONDS   for so long
#     fuzz.sh short     a fixed number of runs, about 20 seconds, of the same inputs wherever it runs
#     fuzz.sh merge     makes the corpus that is kept anew, of it and of what earlier runs here found to reach more
#
# An input that breaks something is kept, and how to run it again is printed.

set -eu
cd "$(dirname "$0")/.."
: "${1:?SECONDS, short or merge}"
build=build/fuzz
kept=tests/fuzz/corpus
targets="image operations"

# The options of libFuzzer that say how much.
budget() {
    case $1-$2 in
    image-short) echo -seed=1 -runs=12000 ;;
    operations-short) echo -seed=1 -runs=2500 ;;
    *) echo "-max_total_time=$2" ;;
    esac
}

# The target's program.
program() {
    echo "$build/tests/fuzz/fuzz_$1"
}

cmake --preset fuzz >/dev/null
cmake --build --preset fuzz
# Memory that was given back is withheld for less long than is usual, which takes most of the time of such short runs.
ASAN_OPTIONS=quarantine_size_mb=8:malloc_context_size=5:${ASAN_OPTIONS-}
export ASAN_OPTIONS

if [ "$1" = merge ]; then
    for target in $targets; do
        rm -rf "$build/merged"
        mkdir -p "$build/merged" "$build/corpus/$target"
        "$(program "$target")" -set_cover_merge=1 "$build/merged" "$kept/$target" "$build/corpus/$target"
        rm -f "$kept/$target/"*
        cp "$build/merged/"* "$kept/$target/"
    done
    exit 0
fi

# Where the inputs that are kept are. The order in which a directory lists them would decide what comes of them.
inputs() {
    if [ "$2" = short ]; then
        printf '%s\n' tests/fuzz/*/"$1"/* | LC_ALL=C sort | paste -sd, >"$build/$1.inputs"
        echo "-seed_inputs=@$build/$1.inputs"
    else
        mkdir -p "$build/corpus/$1"
        echo "$build/corpus/$1" tests/fuzz/*/"$1"
    fi
}

mkdir -p "$build/findings"
for target in $targets; do
    # shellcheck disable=SC2046 # lists of options
    "$(program "$target")" $(budget "$target" "$1") -timeout=60 -max_len=1024 -print_final_stats=1 \
        -artifact_prefix="$build/findings/$target-" $(inputs "$target" "$1") >"$build/$target.log" 2>&1 &
    echo $! >"$build/$target.pid"
done

status=0
for target in $targets; do
    result=0
    wait "$(cat "$build/$target.pid")" || result=$?
    log=$build/$target.log
    runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
    edges=$(sed -n 's/.* cov: \([0-9]*\) .*/\1/p' "$log" | tail -n 1)
    if [ "$result" = 0 ]; then
        echo "fuzz: $target: $runs runs, $edges edges, nothing found"
        continue
    fi
    status=1
    echo "fuzz: $target: ${runs:-?} runs, $edges edges, a finding:"
    grep -aE 'FINDING|ERROR|SUMMARY' "$log" || tail -n 20 "$log"
    sed -n "s|.*Test unit written to \(.*\)|fuzz: again: $(program "$target") \1|p" "$log"
done
exit "$status"
