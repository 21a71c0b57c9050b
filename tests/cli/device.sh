# Where models run: --device, without CUDA, with a simulated device and its failures.
. "$(dirname "$0")/lib.sh"
simulator=$3
cp "$sample/model.onnx" .
unset NNRT_CUDA_PLUGIN NNRT_SIM_FAIL

expect 2 "device" -- "$tool" bench model.onnx --device gpu
expect 2 "device-index" -- "$tool" bench model.onnx --device cuda --device-index -1

# A plug-in that is not there, or is none.
NNRT_CUDA_PLUGIN=$work/none.so
export NNRT_CUDA_PLUGIN
expect 8 "none.so" -- "$tool" bench model.onnx --device cuda
expect 8 "none.so" -- "$tool" run model.onnx --data random:1 --device cuda
expect 8 "none.so" -- "$tool" eval model.onnx --eval "$sample/test.h5#images" --device cuda
# compress, which needs the device last, asks for it before the work.
expect 8 "none.so" -- "$tool" model.onnx --int8 --calib "$sample/calib.h5#images" -o c.onnx --device cuda
grep -q 'calibrat\|\.tmp' "$work/err" && bad "a missing device is found late"
expect 8 "none.so" -- "$tool" model.onnx --int8 --calib "$sample/calib.h5#images" -o c.onnx --device cuda --dry-run
[ -e c.onnx ] || [ -e c.json ] && bad "a run without its device wrote something"
expect 0 "running on the CPU: CUDA: " -- "$tool" run model.onnx --data random:1 --device auto
cp model.onnx none.so
expect 8 "none.so" -- "$tool" bench model.onnx --device cuda
unset NNRT_CUDA_PLUGIN

# What this machine has: a device, or one line that says what is missing.
"$tool" run model.onnx --data random:1 --device cuda >out 2>err
code=$?
case $code in
    0) ;;
    8) grep -qE "CUDA: .*(not installed|no NVIDIA driver|driver supports|no device|no CUDA-capable)" err ||
        bad "no reason why there is no CUDA" ;;
    *) bad "exit $code, expected 0 or 8: run --device cuda" ;;
esac

[ -n "$simulator" ] || { echo "no simulator: the rest is left out"; finish; exit; }
NNRT_CUDA_PLUGIN=$simulator
export NNRT_CUDA_PLUGIN
"$tool" model.onnx --int8 --calib "$sample/calib.h5#images" -n 40 --no-write-report -o q.onnx >/dev/null 2>&1 ||
    bad "cannot quantize the sample"
"$tool" model.onnx --int8 --calib "$sample/calib.h5#images" -n 40 --no-write-report -o plan.nncp >/dev/null 2>&1 ||
    bad "cannot make a plan of the sample"

# To the bit as on the CPU: integer models, and float models too.
for file in q.onnx plan.nncp model.onnx; do
    "$tool" run $file --data "$sample/test.h5#images" -n 4 --json >cpu.json 2>err || bad "run on the CPU"
    "$tool" run $file --data "$sample/test.h5#images" -n 4 --json --device cuda >cuda.json 2>err ||
        bad "run $file --device cuda"
    cmp -s cpu.json cuda.json || bad "$file: CPU and device differ"
done
expect 0 "running on CUDA" -- "$tool" run q.onnx --data random:1 --device auto
expect 0 "simulated device" -- "$tool" bench q.onnx --device cuda --seconds 0.05 --warmup 0 --layers
expect 0 "device" -- "$tool" bench q.onnx --device cuda --seconds 0.05 --warmup 0 --layers --json
expect 0 "" -- "$tool" bench q.onnx --device cuda --seconds 0.05 --warmup 0 --shape input=2x3x32x32

# What can go wrong on a device: one line each, exit 8; auto goes on without.
fails() {
    NNRT_SIM_FAIL=$1
    export NNRT_SIM_FAIL
    expect 8 "$2" -- "$tool" run q.onnx --data random:1 --device cuda
    unset NNRT_SIM_FAIL
}
fails device_open:1 "CUDA: "
fails device_open:3 "CUDA: "
fails device_open:4 "no code for the device"
fails alloc:5:3 "out of"
fails launch:6 "restart the program"
fails stream_wait:7:20 "CUDA: "
NNRT_SIM_MEMORY=400000
export NNRT_SIM_MEMORY
expect 8 "out of device memory" -- "$tool" run q.onnx --data random:1 --device cuda
expect 0 "running on the CPU" -- "$tool" run q.onnx --data random:1 --device auto
unset NNRT_SIM_MEMORY
finish
