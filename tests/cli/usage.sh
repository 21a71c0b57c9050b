# Help, versions, and wrong usage: every message and exit code.
. "$(dirname "$0")/lib.sh"
model=$sample/model.onnx

expect 0 "usage: nncompress" -- "$tool"
expect 0 "exit codes" -- "$tool" --help
expect 0 "nncompress 0." -- "$tool" --version
for verb in $("$tool" manual verbs); do
    expect 0 "usage: nncompress" -- "$tool" "$verb" --help
    # Help fits 80 columns.
    awk 'length($0) > 80 { exit 1 }' "$work/out" || bad "$verb --help is wider than 80 columns"
done
expect 2 "did you mean '--calib'" -- "$tool" "$model" --int8 --calb x
expect 2 "--int8 needs samples" -- "$tool" "$model" --int8
expect 2 "nothing to do" -- "$tool" "$model" --calib "$sample/calib.h5#images"
expect 2 "no .onnx file here" -- "$tool" --int8 --calib "$sample/calib.h5#images"
expect 2 "unknown" -- "$tool" "$model" --int8 --calib "$sample/calib.h5#images" --method magic
expect 2 "unknown" -- "$tool" "$model" --int8 --calib "$sample/calib.h5#images" --target moon
expect 2 "must end in" -- "$tool" "$model" --int8 --calib "$sample/calib.h5#images" -o out.txt
expect 2 "" -- "$tool" "$model" --int8 --calib "$sample/calib.h5#images" --threads 0
expect 2 "" -- "$tool" "$model" --int8 --calib "$sample/calib.h5#images" --samples 8k
expect 2 "compare needs samples" -- "$tool" compare "$model" "$model"
expect 2 "eval needs data" -- "$tool" eval "$model"
expect 2 "expected 1" -- "$tool" inspect
expect 2 "the output is the input" -- "$tool" "$model" --int8 --calib "$sample/calib.h5#images" -o "$model" --force
expect 6 "" -- "$tool" inspect nowhere.onnx
expect 6 "directory" -- "$tool" inspect "$sample"
expect 6 "" -- "$tool" "$model" --int8 --calib nowhere/
expect 5 "" -- "$tool" "$model" --int8 --calib "$work"
: >empty.onnx
expect 3 "empty" -- "$tool" inspect empty.onnx
printf 'version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n' >lfs.onnx
expect 3 "git lfs pull" -- "$tool" inspect lfs.onnx
head -c 3000 "$model" >cut.onnx
expect 3 "" -- "$tool" check cut.onnx
expect 2 "NNRT_MAX_ISA" -- env NNRT_MAX_ISA=sse9 "$tool" run "$model" --golden "$sample/test_data_set_0"
if [ -c /dev/full ]; then
    "$tool" inspect "$model" >/dev/full 2>"$work/err"
    [ $? = 6 ] || bad "a full standard output is not exit 6"
fi
"$tool" inspect "$model" --nodes 2>"$work/err" | head -1 >/dev/null
[ -s "$work/err" ] && bad "a closed pipe is not quiet"
nothing_left
finish
