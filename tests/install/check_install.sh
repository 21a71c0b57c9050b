#!/bin/sh
# Installs into an empty folder and uses what is there: exported names, pkg-config, CMake package, shared and static
# library. SPDX-License-Identifier: Apache-2.0
# Usage: check_install.sh REPOSITORY BUILD CMAKE CC PACKAGE HEADER PREFIX_OF_NAMES EXAMPLE
set -eu
root=$1 build=$2 cmake=$3 cc=$4 package=$5 header=$6 names=$7 example=$8
tree=$(mktemp -d "${TMPDIR:-/tmp}/nnc-install-XXXXXX")
trap 'rm -rf "$tree"' EXIT

die() {
    echo "FAILED: $*"
    exit 1
}

for component in nnrt nnrt_dev libnncompress libnncompress_dev $package; do
    "$cmake" --install "$build" --prefix "$tree/first" --component "$component" >/dev/null
done
# Moved afterwards: nothing may remember the prefix.
mv "$tree/first" "$tree/usr"
library=$(find "$tree/usr" -name "lib$package.so")
libdir=$(dirname "$library")
[ -n "$library" ] || die "lib$package.so is not installed"

# The exported functions are exactly the ones that the header declares.
grep -oE "\b${names}_[a-z0-9_]+\(" "$tree"/usr/include/$header | sed 's/.*://; s/($//' | LC_ALL=C sort -u >"$tree/declared"
grep -oE "typedef [^;(]*\b${names}_[a-z0-9_]+\(" "$tree"/usr/include/$header |
    grep -oE "${names}_[a-z0-9_]+\(" | sed 's/($//' | LC_ALL=C sort -u >"$tree/types"
LC_ALL=C comm -23 "$tree/declared" "$tree/types" >"$tree/functions"
nm -D --defined-only "$library" | awk '$2 != "A" { sub(/@.*/, "", $3); print $3 }' | LC_ALL=C sort -u >"$tree/exported"
diff "$tree/functions" "$tree/exported" >"$tree/diff" ||
    { cat "$tree/diff"; die "lib$package.so does not export what $header declares (<: declared, >: exported)"; }
nm -D --undefined-only "$library" | grep -E ' (nnc|nnrt)_' && die "lib$package.so lacks its own functions"
nm --defined-only -g "$libdir/lib$package.a" | awk 'NF == 3 { print $3 }' | grep -vE '^(__asan|__odr_asan|\.)' |
    LC_ALL=C sort -u >"$tree/globals"
diff "$tree/functions" "$tree/globals" >"$tree/diff" ||
    { cat "$tree/diff"; die "lib$package.a shows other names than $header declares"; }

# Usage: try PROGRAM: it starts, says its version, and refuses a missing file with a message.
try() {
    if "$1" "$tree/none" >"$tree/out" 2>"$tree/err"; then
        die "$1 accepted a missing file"
    fi
    grep -q '0\.[0-9]' "$tree/out" || die "$1 shows no version: $(cat "$tree/out" "$tree/err")"
    grep -q 'none' "$tree/err" || die "$1 does not name the missing file: $(cat "$tree/err")"
}

PKG_CONFIG_PATH=$libdir/pkgconfig
export PKG_CONFIG_PATH
"$cc" -std=c11 -Wall -Werror -o "$tree/shared" "$example" $(pkg-config --cflags --libs "$package") ${CFLAGS_EXTRA:-}
LD_LIBRARY_PATH=$libdir try "$tree/shared"
mkdir "$tree/only_static"
cp "$libdir/lib$package.a" "$tree/only_static"
"$cc" -std=c11 -Wall -Werror -o "$tree/static" "$example" -L"$tree/only_static" \
    $(pkg-config --static --cflags --libs "$package" | sed "s|-L$tree[^ ]*||g") ${CFLAGS_EXTRA:-}
ldd "$tree/static" | grep -q "lib$package" && die "the static program uses lib$package.so"
try "$tree/static"

"$cmake" -S "$root/tests/install/consumer" -B "$tree/consumer" -DPACKAGE="$package" -DSOURCE="$example" \
    -DCMAKE_C_COMPILER="$cc" -DCMAKE_C_FLAGS="${CFLAGS_EXTRA:-}" -DCMAKE_PREFIX_PATH="$tree/usr" >"$tree/log" 2>&1 || { cat "$tree/log"; die "find_package($package)"; }
"$cmake" --build "$tree/consumer" >"$tree/log" 2>&1 || { cat "$tree/log"; die "building against $package"; }
try "$tree/consumer/shared"
try "$tree/consumer/static"
echo "$package: $(wc -l <"$tree/functions") functions exported; shared and static, pkg-config and CMake work"
