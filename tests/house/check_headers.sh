#!/bin/sh
# Compiles every header alone as C11, and the public ones as C++17. SPDX-License-Identifier: Apache-2.0
# Usage: check_headers.sh REPOSITORY CC CXX [FLAGS...]; CXX may be empty. Include folders of third parties in FLAGS.
set -eu
root=$1 cc=$2 cxx=$3
shift 3
cd "$root"
folders=
for folder in include src runtime_int8 datasets reports; do
    [ ! -d "$folder" ] || folders="$folders $folder"
done
warnings="-Wall -Wextra -Wstrict-prototypes -Wmissing-prototypes -Wundef -Werror"
paths="-Iinclude -Isrc -I. -Iruntime_int8/include"
count=0 failures=0
# Kernel bodies (kernels/body and *_ymm.h) are included by a tier's source after it defined their names: they
# are no headers of their own.
for header in $(find $folders -name '*.h' ! -path '*/kernels/body/*' ! -path '*/kernels/*_ymm.h' | LC_ALL=C sort); do
    isa=
    case $header in
    */kernels/avx512vnni/*) isa="-mavx512f -mavx512bw -mavx512vl -mavx512dq -mavx512vnni -mfma -mf16c" ;;
    */kernels/avxvnni/*) isa="-mavx2 -mavxvnni -mfma -mf16c" ;;
    */kernels/avx2/*) isa="-mavx2 -mfma -mf16c" ;;
    esac
    count=$((count + 1))
    if ! printf '#include "%s"\n' "$header" |
        "$cc" -std=c11 -D_GNU_SOURCE $warnings $isa $paths "$@" -fsyntax-only -x c -; then
        echo "$header: does not compile alone as C11"
        failures=$((failures + 1))
    fi
    case $header in
    include/* | runtime_int8/include/*)
        if [ -n "$cxx" ] && ! printf '#include "%s"\n' "$header" |
            "$cxx" -std=c++17 -pedantic -Wall -Wextra -Werror $paths -fsyntax-only -x c++ -; then
            echo "$header: does not compile alone as C++17"
            failures=$((failures + 1))
        fi
        ;;
    esac
done
echo "$count headers, $failures failures"
[ "$count" -gt 0 ] && [ "$failures" -eq 0 ]
