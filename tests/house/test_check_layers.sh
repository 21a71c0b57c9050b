#!/bin/sh
# check_layers.sh finds what it should: a small tree with one violation of each kind.
# SPDX-License-Identifier: Apache-2.0
# Usage: test_check_layers.sh REPOSITORY
set -eu
root=$1
tree=$(mktemp -d "${TMPDIR:-/tmp}/nnc-layers-XXXXXX")
trap 'rm -rf "$tree"' EXIT
for d in include/nncompress src/base src/graph src/ops runtime_int8 datasets reports; do
    mkdir -p "$tree/$d"
done
check="$root/tests/house/check_layers.sh"
rules="$root/tests/layers.txt"
: >"$tree/src/base/str.h"
: >"$tree/src/ops/op.h"
: >"$tree/datasets/dataset.h"
printf '#include "base/str.h"\n#include <stdio.h>\n' >"$tree/src/graph/graph.h"
sh "$check" "$tree" "$rules" >/dev/null || { echo "a clean tree was refused"; exit 1; }

# Usage: expect FILE LINE: adding LINE to FILE must be found.
expect() {
    printf '%s\n' "$2" >"$tree/$1"
    if sh "$check" "$tree" "$rules" >"$tree/log"; then
        echo "not found: $2 in $1"
        exit 1
    fi
    grep -q "^$1:1: " "$tree/log" || { echo "wrong message for $2:"; cat "$tree/log"; exit 1; }
    rm "$tree/$1"
}
expect src/graph/a.c '#include "ops/op.h"'
expect src/graph/a.c '  #  include "datasets/dataset.h"'
expect src/base/a.c '#include "graph/graph.h"'
expect src/ops/a.c '#include <jansson.h>'
expect src/ops/a.c '#include "jansson.h"'
expect src/ops/a.c '#include <unlisted.h>'
expect src/ops/a.c '#include "ops/missing.h"'
mkdir "$tree/src/unlisted"
expect src/unlisted/a.c '#include "base/str.h"'
