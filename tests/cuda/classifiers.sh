# Every classifier of the shared collection, quantized, on the simulated device: the same bytes as on the CPU.
# usage: classifiers.sh TOOL BENCH SIMULATOR MODELS-FOLDER
tool=$1
bench=$2
simulator=$3
models=$4
[ -d "$models" ] || { echo "skipped: no model collection at $models"; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failures=0
count=0

# said NAME CODE: counts a comparison and says how it ended.
said() {
    count=$((count + 1))
    if [ "$2" = 0 ]; then
        echo "equal    $1"
    else
        failures=$((failures + 1))
        echo "DIFFERS  $1 (exit $2)"
        tail -n 1 "$work/err"
    fi
}

# check_plan NAME PLAN: all bytes of all outputs.
check_plan() {
    NNRT_CUDA_PLUGIN=$simulator "$bench" "$2" --device cuda --verify --seconds 0 >"$work/out" 2>"$work/err"
    said "$1" $?
}

# check_model NAME MODEL: the scores that run prints.
check_model() {
    "$tool" run "$2" --data random:2 --json -q >"$work/cpu.json" 2>"$work/err" &&
        NNRT_CUDA_PLUGIN=$simulator "$tool" run "$2" --data random:2 --json -q --device cuda \
            >"$work/cuda.json" 2>"$work/err" && cmp "$work/cpu.json" "$work/cuda.json" 2>"$work/err"
    said "$1" $?
}

for name in cnn-cifar10 dscnn-kws mnist-cnn mobilenetv1-0.25 mobilenetv1-vww mobilenetv2-1.0 ppocrv2-cls resnet18-pq \
    resnet20-cifar10 resnet56-cifar10 resnet56-groupsl-cifar10 resnet8-cifar10 squeezenet1.0-fp16 squeezenet1.1; do
    [ -f "$models/$name/model.onnx" ] || { echo "absent   $name"; continue; }
    if "$tool" "$models/$name/model.onnx" --int8 --calib random:16 --no-bias-correction --bench-seconds 0 \
        --no-write-report -q -f -o "$work/model.nncp" >/dev/null 2>"$work/err"; then
        check_plan "$name" "$work/model.nncp"
    else
        failures=$((failures + 1))
        echo "FAILED   $name: $(tail -n 1 "$work/err")"
    fi
done
# Quantized by others, and a float one.
check_model shufflenetv2-int8 "$models/shufflenetv2-int8/model.onnx"
check_model "resnet20-cifar10 (float)" "$models/resnet20-cifar10/model.onnx"
echo "$count models, $failures failures"
[ "$failures" = 0 ]
