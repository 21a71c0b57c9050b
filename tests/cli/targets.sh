# Targets: several files from one calibration, and what a reader would run in INT8.
. "$(dirname "$0")/lib.sh"
cp "$sample/model.onnx" .
calib=$sample/calib.h5#images

# One file per target, one report with a row for each; the same bytes as alone, up to the shared statistics.
expect 0 "engine not built" -- "$tool" model.onnx --int8 --calib "$calib" --samples 48 --bench-seconds 0 --target ort,trt10,openvino -o m.onnx
for f in m.ort.onnx m.trt10.onnx m.openvino.onnx m.json m.html; do
    [ -s $f ] || bad "$f was not written"
done
[ -e m.onnx ] && bad "m.onnx was written"
[ "$(grep -c '"proof":' m.json)" = 3 ] || bad "not one row per target"
grep -q 'engine not built' m.html || bad "the HTML report does not say what was not built"
expect 0 "" -- "$tool" model.onnx --int8 --calib "$calib" --samples 48 --bench-seconds 0 --no-write-report --target trt10 -o alone.onnx
cmp -s alone.onnx m.trt10.onnx || bad "a target alone and among others gives other bytes"

# All or nothing.
mkdir none && cp model.onnx none/ && cd none || exit 1
: >m.trt10.onnx
expect 6 "exists" -- "$tool" model.onnx --int8 --calib "$calib" --samples 48 --bench-seconds 0 --target ort,trt10 -o m.onnx
[ -e m.ort.onnx ] && bad "one of two files was written"
cd .. || exit 1
expect 1 "(trt10)" -- "$tool" model.onnx --int8 --calib "$calib" --eval "$sample/test.h5#images" --samples 48 --bench-seconds 0 \
    --max-drop 0.4% --target ort,trt10 -o gate.onnx
[ -e gate.ort.onnx ] && bad "a file was published although the gate of the other target was not passed"

# Every target has gates of its own, in the order of the targets, and they carry its name.
expect 0 "PASSED" -- "$tool" model.onnx --int8 --calib "$calib" --samples 48 --bench-seconds 0 --max-size 90% --target ort,portable,trt10 \
    -o named.onnx
sed -n 's/.*"name": "\(max-size[^"]*\)".*/\1/p' named.json >names
printf 'max-size\nmax-size (portable)\nmax-size (trt10)\n' >want
cmp -s want names || bad "gates of three targets have other names: $(cat names)"

expect 2 "did you mean 'trt10'" -- "$tool" model.onnx --int8 --calib "$calib" --target ort,trt1
expect 2 "twice" -- "$tool" model.onnx --int8 --calib "$calib" --target ort,ort
expect 2 "one reader" -- "$tool" model.onnx --int8 --calib "$calib" --target ort,trt10 -o m.nncp
expect 2 "did you mean 'openvino'" -- "$tool" check model.onnx --target openvinoo

# check: float and quantized models, text and JSON, exit codes.
expect 0 "as --int8 would leave it" -- "$tool" check model.onnx --target ort
expect 0 "as the file stands" -- "$tool" check m.ort.onnx --target ort
expect 0 "" -- "$tool" check m.trt10.onnx --target trt10,trt11,openvino
expect 1 "will not run in INT8 on target trt10" -- "$tool" check m.ort.onnx --target ort,trt10
grep -q 'fix: ' "$work/out" || bad "check names no fix"
expect 1 "" -- "$tool" check m.ort.onnx --target ort,trt10 --json
for word in '"all_int8": true' '"all_int8": false' '"rule": "activation-u8"' '"effect": "refused"' '"fix":' '"exit": 1'; do
    grep -qF "$word" "$work/out" || bad "check --json lacks $word"
done
expect 3 "" -- "$tool" check "$source/CMakeLists.txt" --target ort
finish
