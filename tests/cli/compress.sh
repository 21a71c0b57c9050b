# The main job on the bundled sample: result, reports, determinism.
. "$(dirname "$0")/lib.sh"
cp "$sample/model.onnx" .
calib=$sample/calib.h5#images
test=$sample/test.h5#images

expect 0 "DONE" -- "$tool" model.onnx --int8 --calib "$calib" --eval "$test" --bench-seconds 0.1
for f in model.int8.onnx model.int8.html model.int8.json; do
    [ -s $f ] || bad "$f was not written"
done
awk 'length($0) > 80 { exit 1 }' "$work/out" || bad "the summary is wider than 80 columns"
grep -q '"verified": true' model.int8.json || bad "accuracy is not marked verified"
drop=$(sed -n 's/.*"drop": \([-0-9.e]*\).*/\1/p' model.int8.json | head -1)
awk -v d="${drop:-1}" 'BEGIN { exit !(d <= 0.003) }' || bad "default loses $drop, at most 0.3 points allowed"
share=$(sed -n 's/.*"int8_share": \([0-9.e]*\).*/\1/p' model.int8.json | head -1)
awk -v s="${share:-0}" 'BEGIN { exit !(s >= 0.99) }' || bad "only $share of the MACs run in INT8"
grep -qiE '(src|href)="?https?:' model.int8.html && bad "the HTML report needs the network"

expect 6 "exists" -- "$tool" model.onnx --int8 --calib "$calib"
expect 4 "quantized already" -- "$tool" model.int8.onnx --int8 --calib "$calib" -o again.onnx
expect 0 "top-1" -- "$tool" eval model.int8.onnx --eval "$test"
expect 0 "same top-1" -- "$tool" compare model.onnx model.int8.onnx --eval "$test" --samples 200
expect 0 "model" -- "$tool" bench model.onnx model.int8.onnx --seconds 0.1 --threads 1

# Per-tensor weights: what the sample was made to show.
expect 0 "" -- "$tool" model.onnx --int8 --calib "$calib" --eval "$test" --no-per-channel --method minmax \
    --no-bias-correction --bench-seconds 0 -o tensor.onnx --json
lost=$(sed -n 's/.*"drop": \([-0-9.e]*\).*/\1/p' "$work/out" | head -1)
awk -v d="${lost:-0}" 'BEGIN { exit !(d >= 0.03) }' || bad "per-tensor min-max loses $lost, expected 3 points or more"

# Equal bytes for any number of threads and any kernels.
for how in "--threads 1" "--threads 3" "--isa ref" "--isa avx2"; do
    # shellcheck disable=SC2086
    expect 0 "" -- "$tool" model.onnx --int8 --calib "$calib" --samples 48 --bench-seconds 0 --no-write-report \
        --force -o other.onnx $how
    [ -f first.onnx ] || cp other.onnx first.onnx
    cmp -s first.onnx other.onnx || bad "$how gives other bytes"
done

# A named dimension that gets a size has no name in the result any more.
expect 0 "DONE" -- "$tool" model.onnx --int8 --calib "$calib" --samples 48 --bench-seconds 0 --shape N=1 -o fixed.onnx
expect 0 "" -- "$tool" verify fixed.json fixed.onnx --rerun

# Without evaluation data the line says so; random data too.
expect 0 "UNVERIFIED" -- "$tool" model.onnx --int8 --calib "$calib" --samples 48 --bench-seconds 0 -o u.onnx
expect 0 "random" -- "$tool" model.onnx --int8 --calib random:32 --bench-seconds 0 -o r.onnx

# A plan runs everywhere a model does.
expect 0 "DONE" -- "$tool" model.onnx --int8 --calib "$calib" --samples 48 --bench-seconds 0 -o m.nncp
expect 0 "top-1" -- "$tool" eval m.nncp --eval "$test" --samples 200
expect 0 "" -- "$tool" bench m.nncp --seconds 0.1 --threads 1

# No model named: the only one here.
mkdir only && cp "$sample/model.onnx" only/ && cd only || exit 1
expect 0 "taking model.onnx" -- "$tool" --int8 --calib "$calib" --samples 48 --bench-seconds 0
finish
