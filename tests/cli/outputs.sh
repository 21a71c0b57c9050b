# Outputs that cannot be written: found early, nothing changed.
. "$(dirname "$0")/lib.sh"
cp "$sample/model.onnx" .
calib=$sample/calib.h5#images
expect 6 "" -- "$tool" model.onnx --int8 --calib "$calib" -o missing/folder/out.onnx
echo old >out.onnx
expect 6 "exists" -- "$tool" model.onnx --int8 --calib "$calib" -o out.onnx
[ "$(cat out.onnx)" = old ] || bad "an existing file was changed"
ln -s model.onnx link.onnx
expect 2 "input" -- "$tool" model.onnx --int8 --calib "$calib" -o link.onnx --force
if [ "$(id -u)" != 0 ]; then
    mkdir locked && chmod 555 locked
    expect 6 "" -- "$tool" model.onnx --int8 --calib "$calib" -o locked/out.onnx
fi
(
    ulimit -f 64 # 32 KiB files
    "$tool" model.onnx --int8 --calib "$calib" --samples 32 --bench-seconds 0 -o small.onnx >"$work/out" 2>"$work/err"
)
[ $? = 6 ] || bad "a file size limit is not exit 6"
[ -e small.onnx ] && bad "a cut file was published"
# A file system without space for the result: found before any work, with both numbers. Needs a mount of one's own.
mkdir -p small
if unshare -rm true 2>/dev/null && unshare -rm mount -t tmpfs -o size=256k none small 2>/dev/null; then
    unshare -rm sh -c "mount -t tmpfs -o size=256k none small && '$tool' model.onnx --int8 --calib '$calib' \
        --no-write-report -o small/out.onnx; code=\$?; ls -A small; exit \$code" >"$work/out" 2>"$work/err"
    [ $? = 6 ] || bad "a full file system is not exit 6"
    [ -s "$work/out" ] && bad "something was left on the full file system"
    grep -q "cannot write 'small/out.onnx': no space: needs [0-9.]* kB, has 2[0-9.]* kB" "$work/err" ||
        bad "a full file system is not told with both numbers"
    grep -q calibrat "$work/err" && bad "a full file system is found late"
else
    echo "no mount namespace here: a full file system is not tested"
fi
expect 2 "the output is the log file" -- "$tool" model.onnx --int8 --calib "$calib" -o run.log.onnx --force \
    --log-file run.log.onnx
nothing_left
finish
