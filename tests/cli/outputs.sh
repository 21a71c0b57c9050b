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
nothing_left
finish
