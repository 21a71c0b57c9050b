#!/bin/sh
# Fails when a folder includes a folder of the same or a higher layer, or when a third-party header is used
# outside its folder. SPDX-License-Identifier: Apache-2.0
# Usage: check_layers.sh REPOSITORY [LAYERS_FILE]
set -eu
root=$1
layers=${2:-$root/tests/layers.txt}
cd "$root"
folders=
for folder in include src runtime_int8 datasets reports; do
    [ ! -d "$folder" ] || folders="$folders $folder"
done
find $folders -type f \
    \( -name '*.c' -o -name '*.h' -o -name '*.cu' -o -name '*.cuh' -o -name '*.def' -o -name '*.inc' \) \
    -print | LC_ALL=C sort | xargs grep -HnE '^[[:space:]]*#[[:space:]]*include[[:space:]]*[<"]' |
    awk -v layers="$layers" '
function exists(path,    line, result) {
    if (!(path in known)) {
        result = (getline line < path)
        close(path)
        known[path] = result >= 0
    }
    return known[path]
}
function folder_of(path,    best, f) {
    best = ""
    for (f in layer)
        if (index(path, f "/") == 1 && length(f) > length(best))
            best = f
    return best
}
function fail(text) { print where ": " text; failures++ }
# Path of a quoted include from the repository root, "" if there is none.
function resolve(file, header,    dir) {
    dir = file
    sub(/[^\/]*$/, "", dir)
    if (exists(dir header)) return dir header
    if (exists("src/" header)) return "src/" header
    if (exists(header)) return header
    if (exists("include/" header)) return "include/" header
    if (exists("runtime_int8/include/" header)) return "runtime_int8/include/" header
    return ""
}
BEGIN {
    while ((getline row < layers) > 0) {
        n = split(row, word, " ")
        if (word[1] == "layer") layer[word[3]] = word[2] + 0
        else if (word[1] == "party") for (i = 3; i <= n; i++) party[word[2]] = party[word[2]] word[i] " "
        else if (word[1] == "generated") generated[word[2]] = word[3]
        else if (word[1] == "system") for (i = 2; i <= n; i++) system_header[word[i]] = 1
        else if (n > 0 && word[1] !~ /^#/) { print layers ": unknown row: " row; failures++ }
    }
}
{
    split($0, part, ":")
    file = part[1]; where = file ":" part[2]
    match($0, /[<"][^>"]+[>"]/)
    quoted = substr($0, RSTART, 1) == "\""
    header = substr($0, RSTART + 1, RLENGTH - 2)
    from = folder_of(file)
    checked++
    if (from == "") { fail("its folder has no layer in tests/layers.txt"); next }
    path = quoted ? resolve(file, header) : ""
    if (path == "") {
        if (header in party) {
            if (index(" " party[header], " " from " ") == 0) fail("third-party header " header " belongs to " party[header] "alone")
        } else if (header in generated) {
            if (generated[header] != from) fail("generated header " header " belongs to " generated[header] " alone")
        } else if (quoted) fail("\"" header "\" does not exist")
        else if (!(header in system_header)) fail("<" header "> has no row in tests/layers.txt")
        next
    }
    to = folder_of(path)
    if (to == "") fail("\"" header "\" is in no layer")
    else if (to != from && layer[to] >= layer[from] && !(from == "src/base" && to == "include/nncompress"))
        fail("layer " layer[from] " (" from ") includes layer " layer[to] " (" to "): \"" header "\"")
}
END {
    if (checked == 0) { print "no includes found: wrong folder?"; exit 1 }
    print checked " includes, " failures + 0 " violations"
    exit failures > 0
}'
