#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Copyright the pmemstream authors

# Creating and growing a stream on a file system that is full, on one that cannot allocate a file's space, on one that is
# read-only, and appending to a stream while its disk is full of other things. The file systems are mounted in a name
# space of this test's own.

self=$(realpath "$0")
# shellcheck source=tests/tool/lib.sh
source "$(dirname "$0")/../tool/lib.sh"

if [[ ${PMEMSTREAM_MOUNTS-} != own ]]; then
    trap - EXIT
    cd / && rm -rf "$work"
    # For ctest: skipped.
    unshare --user --map-root-user --mount true 2>/dev/null || exit 77
    PMEMSTREAM_MOUNTS=own exec unshare --user --map-root-user --mount "$self" "$@"
fi

mkdir disk
trap 'umount "$work/disk"; rm -rf "$work"' EXIT

free_kib() {
    df --output=avail -k disk | tail -1
}

mount -t tmpfs -o size=4m none disk
before=$(free_kib)
run 2 create disk/stream --size 5M
complains '^pmemstream: disk/stream: .* \(No space left on device\)$'
is "$(ls -A disk)" ''
is "$(free_kib)" "$before"

# A stream that is there has its space, whatever else fills the disk.
run 0 create disk/stream --size 2M
dd if=/dev/zero of=disk/filler bs=64k status=none 2>/dev/null && fail "the disk is not full"
run 2 create disk/other --size 64K
complains '\(No space left on device\)$'
is "$(ls disk)" $'filler\nstream'
seq 1 20000 >input
run 0 append disk/stream <input
run 0 cat disk/stream
cmp out input || fail "other lines came back"
run 0 verify disk/stream
# Nor does it lose any when it cannot grow.
run 2 grow disk/stream --size 3M
complains '^pmemstream: disk/stream: .* \(No space left on device\)$'
is "$(stat -c %s disk/stream)" 2097152
run 0 verify disk/stream
run 0 cat disk/stream
cmp out input || fail "other lines came back"
rm disk/filler
run 0 grow disk/stream --size 3M
run 0 verify disk/stream
run 0 create disk/other --size 64K

# Where nothing can be written, streams can be read.
mount -o remount,ro disk
run 2 create disk/third --size 64K
complains '^pmemstream: disk/third: .* \(Read-only file system\)$'
run 2 append disk/stream <input
complains '\(Read-only file system\)$'
run 2 grow disk/stream --size 4M
run 0 cat disk/stream
cmp out input || fail "other lines came back"
umount disk

# ramfs has no fallocate(2).
mount -t ramfs none disk
run 0 create disk/stream --size 2M
is "$(stat -c %s disk/stream)" 2097152
run 0 append disk/stream <input
run 0 cat disk/stream
cmp out input || fail "other lines came back"
