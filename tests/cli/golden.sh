# run, inspect, check and eval on the bundled sample.
. "$(dirname "$0")/lib.sh"
model=$sample/model.onnx

expect 0 "ok" -- "$tool" run "$model" --golden "$sample/test_data_set_0"
for isa in ref avx2 avxvnni avx512vnni; do
    expect 0 "ok" -- "$tool" run "$model" --golden "$sample/test_data_set_0" --isa $isa
done
expect 1 "differ" -- "$tool" run "$model" --golden "$sample/test_data_set_0" --rtol 0 --atol 1e-12
expect 0 '"relative_l2"' -- "$tool" run "$model" --golden "$sample/test_data_set_0" --json
expect 0 "Conv" -- "$tool" inspect "$model"
awk 'length($0) > 80 { exit 1 }' "$work/out" || bad "inspect is wider than 80 columns"
expect 0 '"operators"' -- "$tool" inspect "$model" --json
expect 0 "valid" -- "$tool" check "$model"
expect 0 "top-1" -- "$tool" eval "$model" --eval "$sample/test.h5#images"
top=$(sed -n 's/^top-1 \([0-9]*\)\..*/\1/p' "$work/out")
[ "${top:-0}" -ge 90 ] || bad "sample accuracy is '$top', expected 93.9 %"
finish
