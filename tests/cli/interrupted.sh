# Ctrl-C at several moments: exit by the signal, nothing half-written.
. "$(dirname "$0")/lib.sh"
cp "$sample/model.onnx" .
for delay in 0.02 0.1 0.3 0.6; do
    "$tool" model.onnx --int8 --calib "$sample/calib.h5#images" --eval "$sample/test.h5#images" \
        --bench-seconds 3 >"$work/out" 2>"$work/err" &
    pid=$!
    sleep $delay
    kill -TERM $pid 2>/dev/null
    wait $pid
    code=$?
    [ $code = 143 ] || bad "interrupted after $delay s: exit $code, expected 143"
    nothing_left
done
finish
