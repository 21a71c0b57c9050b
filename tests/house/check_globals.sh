#!/bin/sh
# Fails for writable globals that are not on the list, and for rows of the list that match nothing any more.
# SPDX-License-Identifier: Apache-2.0
# Usage: check_globals.sh OBJDUMP ALLOW_LIST ARCHIVE
set -eu
"$1" -t "$3" | awk -v list="$2" '
BEGIN {
    while ((getline row < list) > 0) {
        split(row, word, " ")
        if (word[1] != "" && word[1] !~ /^#/) allowed[word[1]] = 0
    }
}
/:[ \t]+file format/ { object = $1; sub(/:$/, "", object); objects++ }
# Constants with addresses live in .data.rel.ro: the loader makes it read-only.
match($0, /[ \t](\.(data|bss|tdata|tbss)[^ \t]*|\*COM\*)\t/) {
    name = $NF
    if ($0 ~ /[ \t]\.data\.rel\.ro/ || name ~ /^\./) next
    sub(/\.[0-9]+$/, "", name)
    if (name in allowed) allowed[name]++
    else { print object ": writable global " name; failures++ }
}
END {
    for (name in allowed)
        if (allowed[name] == 0) { print list ": " name " exists no more, remove its row"; failures++ }
    print objects + 0 " objects, " failures + 0 " violations"
    exit failures > 0 || objects == 0
}'
