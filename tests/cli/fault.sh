# Every call that writes fails once, in turn: the disk is full from there on, or one write is lost. Exit 6 with one line that names
# a file, no temporary, and every output either whole or not there. $3: the library that makes the calls fail.
. "$(dirname "$0")/lib.sh"
fault=$3
[ -n "$fault" ] || { echo "skipped: no library of faults in this build"; exit 77; }
cp "$sample/model.onnx" "$sample/calib.h5" .
job="$tool model.onnx --int8 --calib calib.h5#images --samples 24 --method minmax --no-bias-correction --bench-seconds 0"
# faulty AT ERRNO [STAYS]: the job with every kind of output.
faulty() {
    rm -rf o
    mkdir o
    code=0
    # shellcheck disable=SC2086
    env LD_PRELOAD="$fault" NNC_FAULT_AT="$1" NNC_FAULT_ERRNO="$2" ${3:+NNC_FAULT_STAYS=1} NNC_FAULT_COUNT="$work/count" $job \
        -o o/m.onnx --reports all --calib-cache o/cache --resume >"$work/out" 2>"$work/err" || code=$?
}
faulty 0 0
[ "$code" = 0 ] || bad "the run without a fault: exit $code"
calls=$(cat count 2>/dev/null || echo 0)
[ "$calls" -gt 40 ] || bad "only $calls calls that write were seen"
mv o whole
step=$((calls / ${FAULTS:-8} + 1))
# ENOSPC that stays, one lost write with EIO, one over a quota; FAULTS=1000 for every call. The first two calls note the process
# in the lock file, which is a courtesy: a run goes on without.
round=0
for errno in 28 5 122; do
    stays=
    [ $errno = 28 ] && stays=1
    at=$((3 + round * step / 3))
    while [ "$at" -le "$calls" ]; do
        faulty "$at" $errno $stays
        where="call $at of $calls, errno $errno"
        [ "$code" = 6 ] || bad "$where: exit $code, expected 6"
        [ "$(grep -c '^nncompress: error' "$work/err")" = 1 ] || bad "$where: not one error line"
        grep -q "^nncompress: error.*o/" "$work/err" || bad "$where: the error names no file"
        left=$(find o -name '*.tmp' -o -name '*nnc-lock' | head -n 3)
        [ -z "$left" ] || bad "$where: left behind: $left"
        [ ! -e o/m.onnx ] || cmp -s o/m.onnx whole/m.onnx || bad "$where: another model"
        [ ! -e o/m.json ] || "$tool" report o/m.json --json /dev/null -f >/dev/null 2>&1 ||
            "$tool" report o/m.json --md - >/dev/null 2>&1 || bad "$where: a report that cannot be read"
        for file in o/*; do
            [ ! -f "$file" ] || [ -s "$file" ] || bad "$where: $file is empty"
        done
        at=$((at + step))
    done
    round=$((round + 1))
done
finish
