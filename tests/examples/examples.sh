#!/bin/sh
# Builds the C examples against an installed tree and runs them on the bundled sample. SPDX-License-Identifier: Apache-2.0
# Usage: examples.sh REPOSITORY BUILD CMAKE CC TOOL
set -eu
root=$1 build=$2 cmake=$3 cc=$4 tool=$5
tree=$(mktemp -d "${TMPDIR:-/tmp}/nnc-examples-XXXXXX")
trap 'rm -rf "$tree"' EXIT

die() {
    echo "FAILED: $*"
    exit 1
}

for component in nnrt nnrt_dev libnncompress libnncompress_dev; do
    "$cmake" --install "$build" --prefix "$tree/usr" --component $component >/dev/null
done
libdir=$(dirname "$(find "$tree/usr" -name libnnrt.so)")
PKG_CONFIG_PATH=$libdir/pkgconfig LD_LIBRARY_PATH=$libdir
export PKG_CONFIG_PATH LD_LIBRARY_PATH
strict="-std=c11 -Wall -Wextra -Werror ${CFLAGS_EXTRA:-}"
"$cc" $strict -o "$tree/compress" "$root/examples/compress.c" $(pkg-config --cflags --libs nncompress)
"$cc" $strict -o "$tree/run" "$root/examples/run.c" $(pkg-config --cflags --libs nnrt)

# The one sample of the bundled test data (its numbers are the end of the file), and 32 of it turned by some rows.
sample=$root/datasets/sample
tail -c 12288 "$sample/test_data_set_0/input_0.pb" >"$tree/x.raw"
i=0
while [ $i -lt 32 ]; do
    tail -c $((12288 - i * 128)) "$tree/x.raw"
    head -c $((i * 128)) "$tree/x.raw"
    i=$((i + 1))
done >"$tree/samples.raw"
"$tree/compress" "$sample/model.onnx" "$tree/samples.raw" "$tree/out.nncp" >"$tree/out" || die "compress: exit $?"
grep -q 'smaller' "$tree/out" || die "compress printed no report: $(cat "$tree/out")"
"$tree/run" "$tree/out.nncp" "$tree/x.raw" >"$tree/class" || die "run: exit $?"
# The same class as the original model: the largest of the 16 reference logits.
want=$(tail -c 64 "$sample/test_data_set_0/output_0.pb" | od -An -v -tf4 -w4 |
    awk '{ if (NR == 1 || $1 > best) { best = $1; class = NR - 1 } } END { print class }')
[ "$(cut -d ' ' -f 1 "$tree/class")" = "$want" ] || die "run says $(cat "$tree/class"), expected class $want"
# Wrong use has its exit code and one line.
code=0
"$tree/run" "$tree/none.nncp" "$tree/x.raw" 2>"$tree/err" || code=$?
[ $code = 6 ] || die "a missing plan is exit $code"
[ "$(wc -l <"$tree/err")" = 1 ] || die "a missing plan is not one line"
code=0
"$tree/run" "$tree/out.nncp" "$tree/samples.raw" 2>"$tree/err" || code=$?
[ $code = 5 ] || die "an input of the wrong size is exit $code"
code=0
"$tree/compress" "$sample/model.onnx" "$tree/samples.raw" "$tree/out.nncp" >/dev/null 2>"$tree/err" || code=$?
[ $code = 6 ] || die "an existing output is exit $code"
echo "compress and run: class $want, $(wc -c <"$tree/out.nncp") bytes"
