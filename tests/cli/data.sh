# Unreadable samples: tolerated up to --max-bad, none with 0%, counted in the report.
. "$(dirname "$0")/lib.sh"
cp "$sample/model.onnx" .
i=0
while [ $i -lt 100 ]; do
    mkdir -p "folder/test_data_set_$i"
    cp "$sample/test_data_set_0/"*.pb "folder/test_data_set_$i/"
    i=$((i + 1))
done
dd if="$sample/test_data_set_0/input_0.pb" of=folder/test_data_set_7/input_0.pb bs=3000 count=1 2>/dev/null
job="model.onnx --int8 --calib folder --method minmax --bench-seconds 0"
# shellcheck disable=SC2086
{
    expect 0 "skipped folder/test_data_set_7/input_0.pb" -- "$tool" $job -o a.onnx --report-md a.md
    grep -q '"skipped": 1' a.json || bad "a.json does not count the skipped sample"
    sed -n '/"warnings"/,/\]/p' a.json | grep -q '1 of 100 samples cannot be read' || bad "a.json does not warn"
    grep -q '1 of 100 samples cannot be read' a.md || bad "a.md does not warn"
    expect 5 "1 of 100 samples cannot be read, --max-bad allows 0" -- "$tool" $job -o b.onnx --max-bad 0%
    expect 5 "--max-bad allows 0" -- env NNCOMPRESS_MAX_BAD=0% "$tool" $job -o b.onnx
    expect 5 "--max-bad allows 0" -- "$tool" compare model.onnx a.onnx --eval folder --max-bad 0
}
printf 'version: 1\nmodel: model.onnx\noutput: b.onnx\ndata:\n  calib: folder\n  max-bad: 0%%\nsteps:\n  - int8\n' >r.yaml
expect 5 "--max-bad allows 0" -- "$tool" --recipe r.yaml
[ -e b.onnx ] || [ -e b.json ] && bad "a refused run wrote something"
cp folder/test_data_set_7/input_0.pb folder/test_data_set_8/
# shellcheck disable=SC2086
{
    expect 5 "--max-bad allows 1" -- "$tool" $job -o b.onnx
    expect 0 "2 of 100 samples cannot be read" -- "$tool" $job -o b.onnx --max-bad 2%
}
grep -q '"skipped": 2' b.json || bad "b.json does not count the skipped samples"
# What a report tells of the flags counts when it is verified.
expect 0 "PASSED" -- "$tool" verify b.json b.onnx --strict --rerun
rm -rf b.*
nothing_left
finish
