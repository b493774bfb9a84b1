#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Copyright the pmemstream authors

# The whole of it in a screenful: installs what is missing, builds, feeds text that this machine has from several
# threads into a stream on an ordinary file, kills the program in the middle, and compares what the stream holds with
# what was acknowledged. Then lets the program go on to the end. Exits with 0 only if everything was as promised.

set -euo pipefail
export LC_ALL=C

root=$(cd "$(dirname "$0")/.." && pwd)
build=$root/build/release
threads=4
lines_wanted=400000
lines_needed=100000
work=
program=

fail() {
    echo "demo: $*" >&2
    exit 1
}

clean_up() {
    [[ -z $program ]] || kill -9 "$program" 2>/dev/null || true
    [[ -z $work ]] || rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 130' INT TERM HUP

# 1234567 as 1,234,567.
grouped() {
    local digits=$1 groups=
    while ((${#digits} > 3)); do
        groups=,${digits: -3}$groups
        digits=${digits:0:-3}
    done
    echo "$digits$groups"
}

# bar DONE TOTAL TEXT: replaces the line, on a terminal only.
bar() {
    [[ -t 1 ]] || return 0
    local width=40 filled
    filled=$(($1 * width / ($2 > 0 ? $2 : 1)))
    printf '\r  [%s%s] %s\e[K' \
        "$(printf "%${filled}s" | tr ' ' '#')" "$(printf "%$((width - filled))s" | tr ' ' .)" "$3"
}

bar_end() {
    [[ ! -t 1 ]] || printf '\r\e[K'
}

build_program() {
    local log=$build/demo-build.log line
    mkdir -p "$build"
    echo "build: cmake, preset release, into build/release"
    (cd "$root" && cmake --preset release) >"$log" 2>&1 || {
        tail -n 20 "$log" >&2
        fail "cmake failed, see $log"
    }
    (cd "$root" && cmake --build --preset release --target pmemstream_tool example_ingest) 2>&1 |
        while IFS= read -r line; do
            echo "$line" >>"$log"
            if [[ $line =~ ^\[([0-9]+)/([0-9]+)\] ]]; then
                bar "${BASH_REMATCH[1]}" "${BASH_REMATCH[2]}" "step ${BASH_REMATCH[0]}"
            fi
        done || {
        bar_end
        tail -n 20 "$log" >&2
        fail "the build failed, see $log"
    }
    bar_end
    tool=$(find "$build" -name pmemstream -type f -perm -u+x -print -quit)
    ingest=$(find "$build" -name ingest -type f -perm -u+x -print -quit)
    [[ -n $tool && -n $ingest ]] || fail "the programs are not where they should be, see $log"
}

# The text of files that may be read, whole.
read_files() {
    find "$@" -type f -readable -exec cat {} + 2>/dev/null
}

read_package_lists() {
    local list
    for list in /var/lib/apt/lists/*_Packages*; do
        # apt keeps them packed in one of several ways, and has a program that knows all of them.
        [[ ! -r $list ]] || /usr/lib/apt/apt-helper cat-file "$list" 2>/dev/null
    done
}

# take NAME LIMIT COMMAND...: adds at most that many lines of its output to the input.
take() {
    local name=$1 limit=$2 before=$lines
    shift 2
    ((limit <= lines_wanted - lines)) || limit=$((lines_wanted - lines))
    ((limit > 0)) || return 0
    # The command is cut short when the limit is reached, and that is no failure.
    { "$@" || true; } 2>/dev/null | head -n "$limit" >>"$work/input" || true
    [[ ! -s $work/input || -z $(tail -c 1 "$work/input") ]] || echo >>"$work/input"
    lines=$(wc -l <"$work/input")
    ((lines == before)) || sources+="${sources:+, }$name $(grouped $((lines - before)))"
}

gather_input() {
    lines=0
    sources=
    : >"$work/input"
    take logs $((lines_wanted / 4)) read_files /var/log -maxdepth 2 -name '*.log'
    take "package lists" $((lines_wanted / 2)) read_package_lists
    take "package database" "$lines_wanted" read_files /var/lib/dpkg -name status -o -name '*.list' -o -name '*.md5sums'
    take headers "$lines_wanted" read_files /usr/include
    take documentation "$lines_wanted" read_files /usr/share/doc ! -name '*.gz'
    ((lines >= lines_needed)) || fail "this machine has only $lines lines of text to read, $lines_needed are needed"
    split -n "r/$threads" -d -a 1 "$work/input" "$work/part."
}

# A directory with room: the stream, the input twice and what comes back take about five times the input.
make_work_directory() {
    local directory free
    for directory in "$build" "${TMPDIR:-/tmp}"; do
        free=$(df -Pk "$directory" | awk 'NR == 2 { print $4 }')
        if ((free > 512 * 1024)); then
            work=$(mktemp -d "$directory/pmemstream-demo.XXXXXX")
            return
        fi
    done
    fail "less than 512 MiB are free in $build and in ${TMPDIR:-/tmp}"
}

# The size of a stream whose regions, which share it equally, hold the largest part: an entry takes up to 24 bytes more
# than its line.
stream_size() {
    local n need most=0
    for ((n = 0; n < threads; ++n)); do
        need=$(($(wc -c <"$work/part.$n") + 24 * $(wc -l <"$work/part.$n")))
        ((need <= most)) || most=$need
    done
    echo $((threads * most + 4 * 1024 * 1024))
}

start_program() {
    local parts=() n
    for ((n = 0; n < threads; ++n)); do
        parts+=("$work/part.$n")
    done
    "$ingest" "$work/stream" "$work/notes" "${parts[@]}" 2>"$work/messages" &
    program=$!
}

# note N: reads what thread N has written down, if it has got so far, into submitted, acknowledged and timestamp.
note() {
    submitted=0 acknowledged=0 timestamp=0
    if [[ -s $work/notes.$1 ]]; then
        read -r submitted acknowledged timestamp <"$work/notes.$1"
        submitted=$((10#$submitted)) acknowledged=$((10#$acknowledged)) timestamp=$((10#$timestamp))
    fi
}

# Watches the program until it has so many lines acknowledged. False if it ended before.
watch_program() {
    local until=$1 n total
    while kill -0 "$program" 2>/dev/null; do
        total=0
        for ((n = 0; n < threads; ++n)); do
            note $n
            total=$((total + acknowledged))
        done
        bar $total "$lines" "$(grouped $total) lines acknowledged"
        ((total < until)) || return 0
        sleep 0.02
    done
    return 1
}

# Ends the program in the middle, by the signal that lets it do nothing more.
run_and_kill() {
    local share killed=0
    for share in 2 4 8 16; do
        rm -f "$work"/stream "$work"/notes.*
        "$tool" create "$work/stream" --size "$(stream_size)" >"$work/created" || fail "cannot make the stream"
        start_program
        if watch_program $((lines / share)); then
            kill -9 "$program"
            { wait "$program" || killed=$?; } 2>/dev/null
            program=
            bar_end
            [[ $killed == 137 ]] && return
        fi
        bar_end
        [[ ! -s $work/messages ]] || fail "$(cat "$work/messages")"
        # A machine this fast is done before one looks; look earlier.
    done
    fail "the program was always done before it could be killed"
}

run_to_the_end() {
    start_program
    watch_program $((lines + 1)) || true
    bar_end
    wait "$program" || fail "$(cat "$work/messages")"
    program=
}

# row NAME SUBMITTED ACKNOWLEDGED RECOVERED VERDICT
row() {
    printf '  %-8s %11s %13s %11s  %s\n' "$@"
}

# Compares all regions with the input, and prints a row for each if asked to.
#
# What a region holds must be the first lines of its thread's part, byte for byte: all that were acknowledged, and none
# that was not submitted.
compare() {
    local n recovered verdict all_submitted=0 all_acknowledged=0
    entries=0
    row '' submitted acknowledged recovered ''
    for ((n = 0; n < threads; ++n)); do
        note $n
        recovered=0
        : >"$work/recovered"
        if ((n < region_count)); then
            "$tool" cat "$work/stream" --region $n >"$work/recovered" || fail "cannot read region $n"
            recovered=$(wc -l <"$work/recovered")
        fi
        verdict="the same bytes"
        head -n "$recovered" "$work/part.$n" | cmp -s - "$work/recovered" || verdict="OTHER BYTES"
        ((recovered >= acknowledged)) || verdict="$(grouped $((acknowledged - recovered))) LOST"
        ((recovered <= submitted)) || verdict="$(grouped $((recovered - submitted))) INVENTED"
        if [[ ${1-} == rows || $verdict != "the same bytes" ]]; then
            row "thread $n" "$(grouped $submitted)" "$(grouped $acknowledged)" "$(grouped "$recovered")" "$verdict"
        fi
        [[ $verdict == "the same bytes" ]] || fail "thread $n was promised something else"
        all_submitted=$((all_submitted + submitted))
        all_acknowledged=$((all_acknowledged + acknowledged))
        entries=$((entries + recovered))
    done
    row all "$(grouped $all_submitted)" "$(grouped $all_acknowledged)" "$(grouped $entries)" "the same bytes"
}

verify() {
    "$tool" verify "$work/stream" >"$work/verified" || {
        cat "$work/verified" >&2
        fail "verify found damage"
    }
    sed "s|^$work/stream: |  |" "$work/verified"
}

count_regions() {
    region_count=$("$tool" info "$work/stream" | awk '$1 == "regions" { print $2 }')
}

show_entries() {
    local first=$((entries - 3)) width=100
    [[ ! -t 1 ]] || width=$(tput cols 2>/dev/null || echo 80)
    "$tool" cat "$work/stream" --from $first | tr -c '[:print:]\n' '?' |
        awk -v timestamp=$first '{ printf "  %8d  %s\n", timestamp++, $0 }' | cut -c "1-$((width - 1))"
}

"$root/scripts/deps.sh" build
build_program
make_work_directory
gather_input
echo "input: $(grouped "$lines") lines of text that this machine has"
echo "  $sources"

echo "run: $threads threads append them to a stream on an ordinary file, in the middle kill -9"
run_and_kill
count_regions
compare rows
echo "verify: every checksum"
verify
echo "cat: the last entries of all threads in the order of their timestamps"
show_entries

echo "run again: the program goes on where the stream ends"
run_to_the_end
count_regions
compare
((entries == lines)) || fail "only $entries of $lines lines are there"
verify
echo "Nothing that was acknowledged is lost, nothing that was not submitted is there."
