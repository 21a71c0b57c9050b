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
# What was started to survive a hangup (nohup) or an interrupt (in the background of a script) does.
for signal in HUP INT; do
    sh -c 'trap "" $0; exec "$@"' $signal "$tool" model.onnx --int8 --calib "$sample/calib.h5#images" --samples 64 \
        --bench-seconds 1 -o kept.onnx -f >"$work/out" 2>"$work/err" &
    pid=$!
    sleep 0.3
    kill -$signal $pid
    wait $pid
    code=$?
    [ $code = 0 ] || bad "ignored SIG$signal: exit $code, expected 0"
    [ -s kept.onnx ] || bad "ignored SIG$signal: no output"
done
finish
