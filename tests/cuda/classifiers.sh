# Every classifier of the shared collection, quantized, on the simulated device: the same bytes as on the CPU.
# usage: classifiers.sh TOOL SIMULATOR MODELS-FOLDER
tool=$1
simulator=$2
models=$3
[ -d "$models" ] || { echo "skipped: no model collection at $models"; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failures=0
count=0

# check NAME FILE: the outputs of FILE on both.
check() {
    count=$((count + 1))
    "$tool" run "$2" --data random:2 --seed 1 --json -q >"$work/cpu.json" 2>"$work/err" &&
        NNRT_CUDA_PLUGIN=$simulator "$tool" run "$2" --data random:2 --seed 1 --json -q --device cuda \
            >"$work/cuda.json" 2>"$work/err"
    code=$?
    if [ $code = 0 ] && cmp -s "$work/cpu.json" "$work/cuda.json"; then
        echo "equal    $1"
    else
        failures=$((failures + 1))
        echo "DIFFERS  $1 (exit $code)"
        head -n 3 "$work/err"
    fi
}

for name in cnn-cifar10 dscnn-kws mnist-cnn mobilenetv1-0.25 mobilenetv1-vww mobilenetv2-1.0 ppocrv2-cls resnet18-pq \
    resnet20-cifar10 resnet56-cifar10 resnet56-groupsl-cifar10 resnet8-cifar10 squeezenet1.0-fp16 squeezenet1.1; do
    [ -f "$models/$name/model.onnx" ] || { echo "absent   $name"; continue; }
    if "$tool" "$models/$name/model.onnx" --int8 --calib random:16 --no-bias-correction --bench-seconds 0 \
        --no-write-report -q -f -o "$work/model.nncp" >/dev/null 2>"$work/err"; then
        check "$name" "$work/model.nncp"
    else
        failures=$((failures + 1))
        echo "FAILED   $name: $(head -n 1 "$work/err")"
    fi
done
# Quantized by others, and a float one.
check shufflenetv2-int8 "$models/shufflenetv2-int8/model.onnx"
check "resnet20-cifar10 (float)" "$models/resnet20-cifar10/model.onnx"
echo "$count models, $failures failures"
[ "$failures" = 0 ]
