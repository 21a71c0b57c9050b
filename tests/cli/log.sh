# --log-file: everything with times, whatever the terminal shows; and no other file is ever touched.
. "$(dirname "$0")/lib.sh"
model=$sample/model.onnx
calib=$sample/calib.h5#images

expect 0 "" -- "$tool" "$model" --int8 --calib "$calib" -n 40 -o a.onnx --bench-seconds 0 -q --log-file run.log
grep -qv "^warning: " "$work/err" && bad "-q is not quiet"
head -1 run.log | grep -q '^# nncompress log 0.*--log-file run.log$' || bad "the log has no heading"
[ "$(sed 1d run.log | grep -cvE '^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}\.[0-9]{3}Z (info |warn |debug|stage|error|exit ) ')" = 0 ] ||
    bad "a line of the log has another form"
grep -q ' info  the model sees' run.log || bad "the log lacks an information that -q hides"
grep -q ' stage calibrate: ranges 32 of 32 samples$' run.log || bad "the log lacks the stages"
tail -1 run.log | grep -q ' exit  0 (ok)$' || bad "the log does not end in the exit code"
# It grows; errors are in it; --log-file=FILE and the last of several count.
lines=$(wc -l <run.log)
expect 6 "nowhere" -- "$tool" inspect nowhere.onnx --log-file other.log --log-file=run.log
[ ! -e other.log ] || bad "the first of two --log-file was used"
[ "$(wc -l <run.log)" -gt "$lines" ] || bad "the log was not appended to"
grep -q " error .*nowhere.onnx" run.log || bad "the log lacks the error"
tail -1 run.log | grep -q ' exit  6 (io)$' || bad "the log lacks exit code 6"
# Wrong options are in the log as well.
expect 2 "unknown option" -- "$tool" inspect "$model" --nodez --log-file run.log
tail -2 run.log | grep -q " error unknown option '--nodez'" || bad "the log lacks a usage error"
# A file that is no log is left alone.
cp a.onnx b.onnx
expect 6 "left alone" -- "$tool" inspect "$model" --log-file b.onnx
cmp -s a.onnx b.onnx || bad "a model was written to as a log"
expect 6 "--log-file: cannot open" -- "$tool" inspect "$model" --log-file nowhere/run.log
expect 2 "needs a value" -- "$tool" inspect "$model" --log-file
if [ -c /dev/full ]; then
    "$tool" inspect "$model" --log-file /dev/full >out 2>err || bad "a full log device stops the run"
    grep -q 'log-file is incomplete' err || bad "an incomplete log is not told"
fi
finish
