# convert: a quantized model for another reader without data; --requantize: new grids with data.
. "$(dirname "$0")/lib.sh"
cp "$sample/model.onnx" .
calib=$sample/calib.h5#images
small="--samples 48 --bench-seconds 0 --no-write-report --no-write-recipe"

# shellcheck disable=SC2086
expect 0 "" -- "$tool" model.onnx --int8 --calib "$calib" $small --target ort -o ort.onnx
# shellcheck disable=SC2086
expect 0 "" -- "$tool" model.onnx --int8 --calib "$calib" $small --target trt10 -o trt.onnx

# s8 grids are u8 grids moved by 128; int32 biases come from float ones; the numbers stay.
expect 0 "gives the same bits as trt.onnx on 4 random samples" -- "$tool" convert trt.onnx --target ort -o trt-ort.onnx
# Grids that ONNX Runtime wants and TensorRT does not are not made up: they need data.
expect 1 "will not run in INT8" -- "$tool" check trt-ort.onnx --target ort
expect 0 "same bits as ort.onnx on 3 samples" -- "$tool" convert ort.onnx --target openvino --data "$sample/test.h5#images" -n 3 -o ov.onnx
expect 0 "" -- "$tool" check ov.onnx --target openvino
expect 0 '"samples_compared": 2' -- "$tool" convert ov.onnx --target ort -n 2 --json -o back.onnx
expect 0 "" -- "$tool" check back.onnx --target ort

# Where a number would change: refused, with node and reason, and nothing is written.
expect 4 "takes 0 only" -- "$tool" convert ort.onnx --target trt10 -o no.onnx
grep -q "zero point" err || bad "the refusal does not name the zero point"
grep -qE "(Conv|Gemm|input|Relu)" err || bad "the refusal names no node"
[ -e no.onnx ] && bad "a refused file was written"
expect 2 "is not quantized" -- "$tool" convert model.onnx --target ort -o no.onnx
expect 2 "did you mean 'trt10'" -- "$tool" convert ort.onnx --target trt1 -o no.onnx
expect 2 "say who reads" -- "$tool" convert ort.onnx -o no.onnx
expect 2 "must end in .onnx" -- "$tool" convert ort.onnx --target ort -o no.nncp
expect 2 "is the input model" -- "$tool" convert ort.onnx --target ort -f -o ort.onnx
expect 6 "exists" -- "$tool" convert ort.onnx --target ort -o back.onnx
expect 0 "" -- "$tool" convert ort.onnx --target ort -f -o back.onnx
[ -e no.onnx ] && bad "a refused file was written"

# A quantized model is compressed on request only: both choices are named.
# shellcheck disable=SC2086
expect 4 "nncompress convert ort.onnx" -- "$tool" ort.onnx --int8 --calib "$calib" $small -o again.onnx
grep -qF -- "--requantize" err || bad "the refusal does not name --requantize"
# shellcheck disable=SC2086
expect 4 "--requantize" -- "$tool" ort.onnx --int8 --calib "$calib" $small --dry-run -o again.onnx
# shellcheck disable=SC2086
expect 0 "the source is quantized" -- "$tool" ort.onnx --int8 --requantize --calib "$calib" $small --target trt10 -o again.onnx
expect 0 "" -- "$tool" check again.onnx --target trt10

# A model of the field, of QLinear operators, where it is at hand.
shared=$source/../shared/models/shufflenetv2-int8
if [ -s "$shared/model.onnx" ]; then
    expect 0 "same bits" -- "$tool" convert "$shared/model.onnx" --target ort --data "$shared/test_data_set_0" -o shuffle.onnx
    expect 4 "no float32 that gives it back" -- "$tool" convert "$shared/model.onnx" --target openvino -o no.onnx
else
    echo "skipped: $shared is not there"
fi
finish
