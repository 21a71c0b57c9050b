# A report against its model, source and data: what fits, and every kind of change.
. "$(dirname "$0")/lib.sh"
cp "$sample/model.onnx" .
calib=$sample/calib.h5#images
test=$sample/test.h5#images
expect 0 "DONE" -- "$tool" model.onnx --int8 --calib "$calib" --samples 48 --eval "$test" --bench-seconds 0 -o m.onnx \
    --no-write-report --report-json m.json

expect 0 "PASSED" -- "$tool" verify m.json m.onnx --strict
expect 0 "PASSED" -- "$tool" verify m.json m.onnx --rerun
grep -q "^not checked" "$work/out" && bad "something was not checked"
expect 0 '"verdict": "PASSED"' -- "$tool" verify m.json m.onnx --json
expect 2 "expected 2" -- "$tool" verify m.json

# differs WHAT -- COMMAND: exit 9, and a line on standard output that names it with expected and got.
differs() {
    what=$1; shift 2
    expect 9 "differ" -- "$@"
    grep -qF "differs: $what: expected " "$work/out" || bad "no line for $what: $*"
    grep -F "differs: $what: expected " "$work/out" | grep -q ", got " || bad "no value that was got"
}

# One byte of the model: in a weight, and so that it does not load.
cp m.onnx x.onnx
byte=$(dd if=m.onnx bs=1 skip=150000 count=1 2>/dev/null | od -An -tu1)
printf "\\$(printf %o $(((byte + 1) % 256)))" | dd of=x.onnx bs=1 seek=150000 conv=notrunc 2>/dev/null
differs output.sha256 -- "$tool" verify m.json x.onnx
printf '\377\377\377\377' | dd of=x.onnx bs=1 seek=0 conv=notrunc 2>/dev/null
differs output.sha256 -- "$tool" verify m.json x.onnx
differs source.sha256 -- "$tool" verify m.json m.onnx --source m.onnx

# The report: a hash, a number that follows from others, a count that only a new measurement tells.
sed 's/"manifest_sha256": "./"manifest_sha256": "x/' m.json >r.json
differs data.evaluation.manifest_sha256 -- "$tool" verify r.json m.onnx
sed 's/"top1_int8": 0\.9[0-9]*/"top1_int8": 0.99/' m.json >r.json
differs accuracy.top1_int8 -- "$tool" verify r.json m.onnx
sed 's/"same_top1": [0-9]*/"same_top1": 1999/; s/"agreement": [0-9.]*/"agreement": 0.9995/' m.json >r.json
expect 0 "PASSED" -- "$tool" verify r.json m.onnx
differs accuracy.same_top1 -- "$tool" verify r.json m.onnx --rerun

# Gates: a verdict, a limit, bounds and a value that the other numbers do not give.
expect 1 "max-size FAILED" -- "$tool" model.onnx --int8 --calib "$calib" --samples 48 --eval "$test" --bench-seconds 0 -o g.onnx \
    --no-write-report --report-json g.json --max-drop 0.01% --min-agreement 90% --max-size 30% --max-memory 1GB
expect 0 "PASSED" -- "$tool" verify g.json m.onnx
sed 's/"verdict": "[A-Z]*"/"verdict": "PASSED"/; s/"published": false/"published": true/' g.json >r.json
differs gates.max-drop.verdict -- "$tool" verify r.json m.onnx
differs gates.max-size.verdict -- "$tool" verify r.json m.onnx
differs verdict -- "$tool" verify r.json m.onnx
differs output.published -- "$tool" verify r.json m.onnx
sed '/"max-drop"/,/}/s/"low": [-0-9.e]*/"low": -0.5/; /"max-drop"/,/}/s/"high": [-0-9.e]*/"high": -0.1/' g.json >r.json
differs gates.max-drop.low -- "$tool" verify r.json m.onnx
differs gates.max-drop.high -- "$tool" verify r.json m.onnx
sed '/"max-size"/,/}/s/"value": [-0-9.e]*/"value": 1000/' g.json >r.json
differs gates.max-size.value -- "$tool" verify r.json m.onnx
sed '/"max-size"/,/}/s/"limit": [-0-9.e]*/"limit": null/' g.json >r.json
differs gates.max-size.verdict -- "$tool" verify r.json m.onnx
sed 's/"verdict": "DONE"/"verdict": "PASSED"/' m.json >r.json
differs verdict -- "$tool" verify r.json m.onnx
sed 's/"verdict": "UNDECIDED"/"verdict": "SKIPPED"/' g.json >r.json
differs gates.max-drop.verdict -- "$tool" verify r.json m.onnx

# The data: another file, and a folder in which one sample, one name and one label change.
differs data.evaluation.manifest_sha256 -- "$tool" verify m.json m.onnx --data "$calib"
i=0
while [ $i -lt 20 ]; do # the same picture with pixels moved within it
    mkdir -p "folder/test_data_set_$i"
    cp "$sample/test_data_set_0/"*.pb "folder/test_data_set_$i/"
    tail -c $((12000 - 400 * i)) "$sample/test_data_set_0/input_0.pb" |
        dd of="folder/test_data_set_$i/input_0.pb" bs=1 seek=308 count=4000 conv=notrunc 2>/dev/null
    i=$((i + 1))
done
expect 0 "DONE" -- "$tool" model.onnx --int8 --calib folder --method minmax --bench-seconds 0 -o f.onnx --no-write-report \
    --report-json f.json
expect 0 "PASSED" -- "$tool" verify f.json f.onnx --strict --rerun
cp -r folder moved
expect 0 "PASSED" -- "$tool" verify f.json f.onnx --strict --data moved
printf 'x' | dd of=moved/test_data_set_3/input_0.pb bs=1 seek=5000 conv=notrunc 2>/dev/null
differs data.calibration.manifest_sha256 -- "$tool" verify f.json f.onnx --data moved
rm -r moved/test_data_set_3
differs data.calibration.manifest_samples -- "$tool" verify f.json f.onnx --data moved
cp -r folder/test_data_set_3 moved/test_data_set_9
differs data.calibration.manifest_sha256 -- "$tool" verify f.json f.onnx --data moved

# A folder whose name holds what also separates file and data set.
mkdir 'hash#tag'
cp "$sample/calib.h5" 'hash#tag/c.h5'
expect 0 "DONE" -- "$tool" model.onnx --int8 --calib 'hash#tag/c.h5#images' --samples 32 --bench-seconds 0 -o 'hash#tag/m.onnx'
expect 0 "PASSED" -- "$tool" verify 'hash#tag/m.json' 'hash#tag/m.onnx' --strict
grep -q 'calib: "\?c.h5#images' 'hash#tag/m.recipe.yaml' || bad "the data is not relative to the recipe"
expect 2 "the output is the calibration data" -- "$tool" model.onnx --int8 --calib 'hash#tag/c.h5#images' --samples 32 \
    --bench-seconds 0 -o h.onnx --report 'hash#tag/c.h5' -f

# What is not here is said, and counts with --strict.
mkdir away && mv model.onnx away/
expect 0 "not checked: source.sha256" -- "$tool" verify m.json m.onnx
expect 9 "could not be made" -- "$tool" verify m.json m.onnx --strict
expect 2 "--rerun needs the source model" -- "$tool" verify m.json m.onnx --rerun
expect 0 "PASSED" -- "$tool" verify m.json m.onnx --rerun --source away/model.onnx
expect 6 "" -- "$tool" verify m.json nowhere.onnx
nothing_left
finish
