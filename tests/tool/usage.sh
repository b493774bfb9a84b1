#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Copyright the pmemstream authors

# Bad usage, and files that are no streams: always exit code 2, a message, and the file as it was.

# shellcheck source=tests/tool/lib.sh
source "$(dirname "$0")/lib.sh"

run 0 --help
says 'Exit codes: 0 fine, 1 damage found, 2 cannot open'
run 0 --version
says '^pmemstream [0-9]+\.[0-9]+'
for command in create grow append cat info verify; do
    run 0 $command --help
    says 'FILE'
    run 2 $command
    run 2 $command a b c
    run 2 $command file --no-such-option
done
"$tool" >out 2>err && fail "no command, and no error"
run 2 no-such-command
run 2 create file
run 2 grow file
run 2 create file --size 1M --durability always
run 2 info file --region 0
run 2 verify file --from 1
run 2 append file --json </dev/null
[[ ! -e file ]] || fail "a file was made"

run 0 create good --size 1M
seq 1 1000 | run 0 append good

mkdir directory
: >empty
echo 'something else' >short
head -c 1000000 /dev/urandom >foreign
head -c 1000000 /dev/zero >zeros
head -c 500000 good >truncated
head -c 100 good >stump
{ cat good; head -c 4096 /dev/zero; } >grown
ln -s nowhere dangling

for file in missing directory empty short foreign zeros truncated stump grown dangling /dev/null; do
    # Zeros are no stream: only create makes one.
    before=$([[ -f $file ]] && sha256sum "$file") || true
    for command in cat info verify; do
        run 2 $command $file
        complains "^pmemstream: $file: .+ \(.+\)\$"
    done
    run 2 info $file --json
    run 2 verify $file --json
    run 2 grow $file --size 2M
    run 2 append $file <<<line
    complains "^pmemstream: $file: .+ \(.+\)\$"
    is "$(cat out)" ''
    is "$([[ -f $file ]] && sha256sum "$file")" "$before"
done
[[ ! -e missing && ! -e nowhere ]] || fail "a file was made"
run 2 cat truncated
complains 'shorter'
run 2 cat grown
complains 'longer'

if [[ $(id -u) != 0 ]]; then
    chmod 0 good
    run 2 cat good
    complains '\(Permission denied\)$'
fi
