# Release gates: verdicts, exit codes, last lines, baselines, wrong values.
. "$(dirname "$0")/lib.sh"
cp "$sample/model.onnx" .
calib=$sample/calib.h5#images
test=$sample/test.h5#images

# last CODE LINE -- COMMAND...: exit code, and the exact last line of standard output.
last() {
    code=$1; line=$2; shift 3
    "$@" >"$work/out" 2>"$work/err"
    got=$?
    [ "$got" = "$code" ] || { bad "exit $got, expected $code: $*"; return; }
    [ "$(tail -n 1 "$work/out")" = "$line" ] || bad "the last line is not '$line': $*"
    want=1; [ "$code" = 0 ] && want=0
    [ "$(grep -c '^nncompress: error' "$work/err")" = "$want" ] || bad "not $want error lines: $*"
}
# gate FILE NAME VERDICT: what a JSON report says of one gate.
gate() {
    awk -v name="\"name\": \"$2\"" -v verdict="\"verdict\": \"$3\"" \
        'index($0, name) { near = 1 } near && index($0, "\"verdict\"") { found = index($0, verdict) > 0; near = 0 }
         END { exit !found }' "$1" || bad "$1: gate $2 is not $3"
}
quick="--int8 --calib $calib --samples 64 --bench-seconds 0 -q"

# The reference: no gate, no verdict.
# shellcheck disable=SC2086
expect 0 "nncompress: DONE drop=" -- "$tool" model.onnx $quick --eval "$test" -o plain.onnx
grep -q 'PASSED' "$work/out" && bad "PASSED without a gate"
figures=$(tail -n 1 "$work/out" | sed 's/^nncompress: DONE //')
bytes=$(wc -c <plain.onnx | tr -d ' ')
grep -q '"published": true' plain.json || bad "plain.json does not say published"

# Passed: published, code 0.
# shellcheck disable=SC2086
last 0 "nncompress: PASSED $figures bytes=$bytes" -- "$tool" model.onnx $quick --eval "$test" -o pass.onnx \
    --max-drop 3% --max-size 50%
cmp -s plain.onnx pass.onnx || bad "gates change the model"
gate pass.json max-drop PASSED
gate pass.json max-size PASSED
grep -q '"verdict": "PASSED"' pass.json || bad "pass.json has no verdict"
grep -q 'max-drop' pass.html || bad "pass.html does not show the gate"

# Failed: the reports are there, the model is not; what was there before stays.
# shellcheck disable=SC2086
last 1 "nncompress: FAILED gate=max-size $figures bytes=$bytes" -- "$tool" model.onnx $quick --eval "$test" \
    -o fail.onnx --max-drop 3% --max-size 30%
[ -e fail.onnx ] && bad "a refused model was published"
[ -s fail.html ] && [ -s fail.json ] || bad "a refused model has no reports"
grep -q 'max-size FAILED' "$work/err" || bad "the error line does not name the gate"
gate fail.json max-size FAILED
gate fail.json max-drop PASSED
grep -q '"published": false' fail.json || bad "fail.json says published"
echo kept >old.onnx
# shellcheck disable=SC2086
last 1 "nncompress: FAILED gate=max-size $figures bytes=$bytes" -- "$tool" model.onnx $quick --eval "$test" \
    -o old.onnx --force --max-size 1000
[ "$(cat old.onnx)" = kept ] || bad "a refused model replaced the old one"
# shellcheck disable=SC2086
expect 1 "max-size FAILED" -- "$tool" model.onnx $quick -o plan.nncp --max-size 1000
[ -e plan.nncp ] && bad "a refused plan was published"
left=$(find "$work" -name '*.tmp' | head -1)
[ -z "$left" ] || bad "left behind: $left"
# shellcheck disable=SC2086
expect 1 "max-drop FAILED" -- "$tool" model.onnx $quick --eval "$test" -o tensor.onnx --no-per-channel \
    --method minmax --no-bias-correction --max-drop 1%

# Undecided: as failed, with the number of samples that are missing.
# shellcheck disable=SC2086
expect 1 "max-drop UNDECIDED" -- "$tool" model.onnx $quick --eval "$test" -o open.onnx --max-drop 0.4%rel
tail -n 1 "$work/out" | grep -Eq "^nncompress: UNDECIDED gate=max-drop needs=[1-9][0-9]* $figures\$" ||
    bad "the last line does not say how many samples are needed"
gate open.json max-drop UNDECIDED
grep -q '"samples_needed": [1-9]' open.json || bad "open.json has no samples_needed"
[ -e open.onnx ] && bad "an undecided model was published"

# Latency: limits far away decide, in both directions.
expect_measured 0 "nncompress: PASSED" -- "$tool" compare model.onnx plain.onnx --eval "$test" -n 100 --layer-samples 0 \
    --max-latency 60000ms --min-speedup 0.0001x --min-agreement 50% --max-memory 1GB --bench-seconds 0.3 --threads 1
expect_measured 1 "min-speedup FAILED" -- "$tool" compare model.onnx plain.onnx --eval "$test" -n 100 --layer-samples 0 \
    --min-speedup 100000 --bench-seconds 0.3 --threads 1
expect_measured 1 "max-latency FAILED" -- "$tool" eval plain.onnx --eval "$test" -n 100 --max-latency 0.000001 \
    --bench-seconds 0.3 --threads 1

# compare and eval; JSON is one object and the code the same.
expect 0 "nncompress: DONE drop=" -- "$tool" compare model.onnx plain.onnx --eval "$test" --layer-samples 0
expect 0 "nncompress: PASSED drop=" -- "$tool" compare model.onnx plain.onnx --eval "$test" --max-drop 3%
# shellcheck disable=SC2086
expect 0 "" -- "$tool" model.onnx $quick -o lossy.onnx --no-per-channel --method minmax --no-bias-correction
expect 1 "max-drop FAILED" -- "$tool" compare model.onnx lossy.onnx --eval "$test" --layer-samples 0 --max-drop 1%
expect 0 "nncompress: DONE top1=" -- "$tool" eval plain.onnx --eval "$test" -n 400
expect 0 "nncompress: PASSED top1=" -- "$tool" eval plain.onnx --eval "$test" --min-accuracy 80%
expect 1 "min-accuracy FAILED" -- "$tool" eval plain.onnx --eval "$test" --min-accuracy 99%
expect 1 "min-accuracy UNDECIDED" -- "$tool" eval plain.onnx --eval "$test" -n 50 --min-accuracy 93%
expect 1 "max-size FAILED" -- "$tool" eval plain.onnx --eval "$test" -n 50 --max-size 1kB --json
[ "$(grep -c '^{' "$work/out")" = 1 ] && grep -q '"verdict": "FAILED"' "$work/out" || bad "--json is not one object"

# A baseline: the same result on the same samples is not worse.
base="--baseline plain.json"
# shellcheck disable=SC2086
expect 0 "nncompress: PASSED" -- "$tool" model.onnx $quick --eval "$test" -o again.onnx $base --baseline-drop 0% \
    --baseline-size 0%
gate again.json baseline-drop PASSED
gate again.json baseline-size PASSED
gate again.json baseline-latency SKIPPED
# shellcheck disable=SC2086
expect 1 "baseline-drop FAILED" -- "$tool" model.onnx $quick --eval "$test" -o worse.onnx $base --no-per-channel \
    --method minmax --no-bias-correction
# On other samples the bounds decide; without any the gate is open.
# shellcheck disable=SC2086
expect 1 "baseline-drop UNDECIDED" -- "$tool" model.onnx $quick -o none.onnx $base
"$tool" compare model.onnx plain.onnx --eval "$test" --layer-samples 0 --json >compare.json 2>/dev/null
expect 0 "measured values compared" -- "$tool" compare model.onnx plain.onnx --eval "$test" --layer-samples 0 \
    --baseline compare.json --baseline-drop 0% --bench-seconds 0
expect 1 "baseline on other samples" -- "$tool" compare model.onnx plain.onnx --eval "$test" -n 50 \
    --layer-samples 0 --baseline compare.json --baseline-drop 0% --bench-seconds 0
expect 1 "baseline-size FAILED" -- "$tool" compare model.onnx model.onnx --eval "$test" -n 50 --layer-samples 0 \
    --baseline compare.json --baseline-drop 90% --bench-seconds 0
"$tool" eval plain.onnx --eval "$test" --json --max-latency 60s >/dev/null 2>&1 && bad "60s was taken for a latency"
"$tool" eval plain.onnx --eval "$test" --json --max-latency 60000 --bench-seconds 0.3 --threads 1 >eval.json 2>/dev/null
expect 0 "nncompress: PASSED" -- "$tool" eval plain.onnx --eval "$test" --baseline eval.json --baseline-drop 0% \
    --bench-seconds 0
expect 1 "baseline-drop FAILED" -- "$tool" eval lossy.onnx --eval "$test" --baseline eval.json --bench-seconds 0

# Latency against a baseline: only on equal machines, and the difference is said.
sed 's/"p50_ms": [0-9.e-]*/"p50_ms": 60000.0/' eval.json >slow.json
sed 's/"p50_ms": [0-9.e-]*/"p50_ms": 0.000001/' eval.json >fast.json
one="--eval $test --threads 1 --bench-seconds 0.3"
# shellcheck disable=SC2086
expect_measured 0 "PASSED     baseline-latency" -- "$tool" eval plain.onnx $one --baseline slow.json
# shellcheck disable=SC2086
expect_measured 1 "baseline-latency FAILED" -- "$tool" eval plain.onnx $one --baseline fast.json
sed 's/"cpu": "[^"]*"/"cpu": "Another CPU"/' fast.json >cpu.json
# shellcheck disable=SC2086
expect 0 "the baseline is of another CPU" -- "$tool" eval plain.onnx $one --baseline cpu.json
sed 's/"isa": "[^"]*"/"isa": "abacus"/' fast.json >isa.json
# shellcheck disable=SC2086
expect 0 "of other kernels" -- "$tool" eval plain.onnx $one --baseline isa.json
sed 's/"threads": 1/"threads": 77/' fast.json >threads.json
# shellcheck disable=SC2086
expect 0 "of another number" -- "$tool" eval plain.onnx $one --baseline threads.json

# Baselines that cannot be used: one line each, before any work.
# refused CODE WORDS FILE
refused() {
    # shellcheck disable=SC2086
    expect "$1" "$2" -- "$tool" model.onnx $quick -o refused.onnx --baseline "$3"
    [ -e refused.onnx ] || [ -e refused.json ] && bad "$3: something was written"
}
sed '/"source": {/,/}/s/"sha256": "[0-9a-f]*"/"sha256": "00000000000000000000"/' plain.json >other.json
refused 5 "stale, made from another original" other.json
head -c 300 plain.json >cut.json
refused 5 "baseline cut.json" cut.json
refused 5 "a report of 'eval', expected one of 'compress'" eval.json
echo '{"name": "package", "version": "1.0.0"}' >package.json
refused 5 "expected 'nncompress.report'" package.json
refused 5 "baseline plain.onnx" plain.onnx
sed 's/"schema_version": 1/"schema_version": 99/' plain.json >new.json
refused 5 "schema_version is 99" new.json
sed '/"output_bytes"/d' plain.json >bytes.json
refused 5 "size.output_bytes" bytes.json
refused 6 "no such file" nowhere.json
: >empty.json
refused 5 "baseline empty.json" empty.json
# shellcheck disable=SC2086
expect 2 "the output is the baseline" -- "$tool" model.onnx $quick -o twice.onnx --baseline plain.json \
    --report-json plain.json --force

# The original itself is wrong: stops with the reason.
# shellcheck disable=SC2086
expect 5 "preprocessing is probably wrong" -- "$tool" model.onnx $quick --eval "$test" -o low.onnx --min-fp32 99%
# shellcheck disable=SC2086
expect 5 "preprocessing is probably wrong" -- "$tool" model.onnx $quick --eval "$test" -o low.onnx --scale 1 \
    --preprocess none --min-fp32 60% --max-drop 3%
[ -e low.onnx ] || [ -e low.json ] && bad "--min-fp32 left something"
expect 5 "preprocessing is probably wrong" -- "$tool" compare model.onnx plain.onnx --eval "$test" --min-fp32 0.99
# shellcheck disable=SC2086
expect 0 "DONE" -- "$tool" model.onnx $quick --eval "$test" -o low.onnx --min-fp32 90%

# Wrong values and gates that cannot be decided: usage.
# wrong WORDS OPTIONS...
wrong() {
    words=$1; shift
    # shellcheck disable=SC2086
    expect 2 "$words" -- "$tool" model.onnx $quick -o wrong.onnx "$@"
}
wrong "'-1' is outside 0% to 100%" --eval "$test" --max-drop -1
wrong "'abc' is not a share" --eval "$test" --max-drop abc
wrong "'200%' is outside 0% to 100%" --eval "$test" --max-drop 200%
wrong "'1' is not clear" --eval "$test" --max-drop 1
wrong "'nan' is not a share" --eval "$test" --max-drop nan
wrong "'' is not a share" --eval "$test" --max-drop ''
wrong "'1%%' is not a share" --eval "$test" --max-drop 1%%
wrong "no number of samples proves 100%" --min-agreement 100%
wrong "no number of samples proves 100%" --eval "$test" --min-accuracy 100%
wrong "'1%rel' is not a share" --eval "$test" --min-agreement 1%rel
wrong "'0' is not above 0" --bench-seconds 1 --min-speedup 0
wrong "'fast' is not a factor" --bench-seconds 1 --min-speedup fast
wrong "'-5ms' is not above 0" --bench-seconds 1 --max-latency -5ms
wrong "'5s' is not a time" --bench-seconds 1 --max-latency 5s
wrong "'0' is not a size" --max-size 0
wrong "'small' is not a size" --max-size small
wrong "'30%' is not a size" --max-memory 30%
wrong "--max-drop needs labelled samples" --max-drop 1%
wrong "--min-fp32 needs labelled samples" --min-fp32 1%
wrong "--max-latency needs a latency measurement" --max-latency 5
wrong "--baseline-size needs --baseline" --baseline-size 2%
expect 2 "'30%' is not a size" -- "$tool" eval plain.onnx --eval "$test" --max-size 30%
expect 2 "unknown option '--max-drop'" -- "$tool" eval plain.onnx --eval "$test" --max-drop 1%
expect 5 "no labels found" -- "$tool" model.onnx --int8 --calib "$calib" --samples 32 --bench-seconds 0 \
    --eval random:32 -o nolabels.onnx --max-drop 1%
expect 5 "no labels found" -- "$tool" compare model.onnx plain.onnx --eval random:8 --max-drop 1%
finish
