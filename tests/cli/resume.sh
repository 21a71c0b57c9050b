# Interrupted at several moments and resumed: the same bytes as without interruption, finished work is not done again.
. "$(dirname "$0")/lib.sh"
cp "$sample/model.onnx" "$sample/calib.h5" .
job="model.onnx --int8 --calib calib.h5#images --samples 64 --no-write-report"
# shellcheck disable=SC2086
"$tool" $job --bench-seconds 0 -q -o whole.onnx >"$work/out" 2>"$work/err" || bad "the run without interruption failed"

# start: a run that measures long enough to be interrupted at the end, too.
start() {
    # shellcheck disable=SC2086
    "$tool" $job --bench-seconds 60 -o a.onnx --resume >"$work/out" 2>"$work/err" &
    pid=$!
}
# stop WHEN: the run ends by the signal and leaves no output.
stop() {
    kill -TERM $pid 2>/dev/null
    wait $pid
    code=$?
    [ $code = 143 ] || bad "interrupted $1: exit $code, expected 143"
    [ -e a.onnx ] && bad "interrupted $1: an output exists"
}
# wait_for PATTERN: until a file of the state is there.
wait_for() {
    tries=0
    # shellcheck disable=SC2086
    until ls a.nncstate/$1 >/dev/null 2>&1 || [ $tries = 3000 ]; do tries=$((tries + 1)); sleep 0.02; done
}
# resumed WHEN: goes on to the end, with the bytes of the whole run, and cleans up.
resumed() {
    # shellcheck disable=SC2086
    expect 0 "" -- "$tool" $job --bench-seconds 0 -o a.onnx --resume
    cmp -s a.onnx whole.onnx || bad "interrupted $1 and resumed: other bytes"
    [ -e a.nncstate ] && bad "the state of a complete run stayed"
    rm -f a.onnx a.recipe.yaml a.lock.json
}
for delay in 0.02 0.1 0.3 0.6; do
    start
    sleep $delay
    stop "after $delay s"
    resumed "after $delay s"
done
start
wait_for '*.calib'
stop "behind the calibration"
resumed "behind the calibration"
start
wait_for '*.step'
sleep 0.2
stop "behind the step"
grep -q "finished work is kept in a.nncstate" "$work/err" || bad "nothing was kept"
resumed "behind the step"
grep -q "step int8: taken from a.nncstate/" "$work/err" || bad "the finished step was done again"
# Twice, the second time in what was resumed.
start
wait_for '*.step'
stop "behind the step"
start
sleep 0.3
stop "again"
resumed "twice"
grep -q "step int8: taken from a.nncstate/" "$work/err" || bad "interrupted twice: the finished step was done again"

# interrupted: leaves the state of a finished step.
interrupted() {
    start
    wait_for '*.step'
    stop "behind the step"
}
# clean: removes the results.
clean() { rm -f a.onnx a.recipe.yaml a.lock.json; }

# Statistics alone.
interrupted
rm a.nncstate/*.step
[ -s "$(ls a.nncstate/*.calib)" ] || bad "no statistics were kept"
# shellcheck disable=SC2086
expect 0 "" -- "$tool" $job --bench-seconds 0 -o a.onnx --resume
cmp -s a.onnx whole.onnx || bad "resumed from statistics: other bytes"
clean

# Damaged state is told and done again: cut, changed in every part, empty.
interrupted
state=$(ls a.nncstate/*.step)
calib=$(ls a.nncstate/*.calib)
cp "$state" state.keep
cp "$calib" calib.keep
size=$(wc -c <state.keep)
for at in 3 9 40 $((size / 2)) $((size - 3)); do
    mkdir -p a.nncstate
    cp calib.keep "$calib"
    { head -c $at state.keep; printf 'X\377'; tail -c +$((at + 3)) state.keep; } >"$state"
    # shellcheck disable=SC2086
    expect 0 "ignored: a.nncstate/" -- "$tool" $job --bench-seconds 0 -o a.onnx --resume
    cmp -s a.onnx whole.onnx || bad "damaged at $at: other bytes"
    clean
done
for at in 0 100; do
    mkdir -p a.nncstate
    head -c $at state.keep >"$state"
    printf broken >"$calib"
    # shellcheck disable=SC2086
    expect 0 "ignored: " -- "$tool" $job --bench-seconds 0 -o a.onnx --resume
    cmp -s a.onnx whole.onnx || bad "cut at $at: other bytes"
    clean
done

# The state of other settings is told and left out.
interrupted
# shellcheck disable=SC2086
expect 0 "are of another model, data, settings or version" -- "$tool" $job --bench-seconds 0 -o a.onnx --resume --method minmax
cmp -s a.onnx whole.onnx && bad "minmax gave the bytes of auto"
clean

# Without --resume nothing is kept, and nothing is taken.
interrupted
# shellcheck disable=SC2086
expect 0 "" -- "$tool" $job --bench-seconds 0 -o a.onnx
grep -q "taken from" "$work/err" && bad "a run without --resume took the state"
[ -d a.nncstate ] || bad "a run without --resume removed the state"
finish
