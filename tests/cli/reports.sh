# Every format of the report, rendered at once and again from the JSON; differences; hostile JSON.
. "$(dirname "$0")/lib.sh"
cp "$sample/model.onnx" .
calib=$sample/calib.h5#images
test=$sample/test.h5#images
mkdir all

expect 0 "PASSED" -- "$tool" model.onnx --int8 --calib "$calib" --samples 48 --eval "$test" --bench-seconds 0.05 \
    --max-drop 5% -o m.onnx --reports all
for f in html json junit.xml md csv metrics.jsonl cdx.json card.md; do
    [ -s "m.$f" ] || bad "m.$f was not written"
done
[ "$(wc -c <m.md)" -le 60000 ] || bad "the Markdown report is larger than a comment"
grep -q '<testcase name="max-drop" ' m.junit.xml || bad "no test case for the gate"
if command -v xmllint >/dev/null; then
    xmllint --noout m.junit.xml >"$work/out" 2>"$work/err" || bad "the JUnit report is not well-formed"
fi

# The JSON report holds everything: each other format comes out again, byte by byte.
expect 0 "" -- "$tool" report m.json --reports all/
for f in html json junit.xml md csv metrics.jsonl cdx.json card.md; do
    cmp -s "m.$f" "all/m.$f" || bad "$f is another one when it is rendered again"
done
"$tool" report m.json --md - >"$work/out" 2>"$work/err"
cmp -s m.md "$work/out" || bad "--md - differs from --md FILE"
expect 0 "nncompress: PASSED" -- "$tool" report m.json
expect 6 "exists" -- "$tool" report m.json --html m.html
expect 0 "" -- "$tool" report m.json --html m.html --force
expect 2 "standard output" -- "$tool" report m.json --md - --html -
expect 2 "the report that is read" -- "$tool" report m.json --json m.json --force
expect 2 "expected 2" -- "$tool" report --diff m.json
expect 2 "neither a folder nor" -- "$tool" report m.json --reports nowhere
expect 2 "did you mean '--html'" -- "$tool" report m.json --htm x

# Without gates the checks are the test cases; nothing but what is named.
expect 0 "DONE" -- "$tool" model.onnx --int8 --calib "$calib" --samples 48 --bench-seconds 0 -o n.onnx \
    --no-write-report --report-junit n.xml --report-json n.json
[ "$(grep -c '<testcase ' n.xml)" = 3 ] || bad "not three checks"
[ -e n.html ] && bad "--no-write-report wrote a report that was not named"
expect 2 "output" -- "$tool" model.onnx --int8 --calib "$calib" -o o.onnx --sbom o.onnx

# What changed.
expect 0 "No layer changed its bits" -- "$tool" report --diff m.json m.json
grep -q "same, byte by byte" "$work/out" || bad "equal models are not called equal"
sed 's/"bits": 8/"bits": 4/; s/"cpu": ".*"/"cpu": "other"/' m.json >k.json
expect 0 "layers whose bits changed: 26" -- "$tool" report --diff m.json k.json
grep -q "note: CPU differs" "$work/out" || bad "no note on the other machine"
expect 0 '"kind": "diff"' -- "$tool" report --diff m.json k.json --json -
expect 0 "## nncompress: what changed" -- "$tool" report --diff m.json n.json --md -
expect 2 "no other format" -- "$tool" report --diff m.json n.json --html x.html

# Hostile documents: one line each.
head='{"schema": "nncompress.report", "schema_version": 1, "kind": "compress"'
json() {
    printf '%s' "$1" >bad.json
    expect 5 "$2" -- "$tool" report bad.json
    expect 5 "$2" -- "$tool" report --diff m.json bad.json
    expect 5 "$2" -- "$tool" verify bad.json m.onnx
}
json '' "1:0"
json '{' "expected"
json '[]' "schema is 'missing'"
json "$head, \"accuracy\": 5}" "accuracy is an integer, expected object"
json "$head, \"layers\": [{\"name\": 1}]}" "layers[0]"
json "$head, \"size\": {\"ratio\": NaN}}" "invalid token"
json "$head, \"size\": {\"ratio\": 1e999}}" "overflow"
json "$head, \"size\": {\"source_bytes\": 99999999999999999999}}" "too big integer"
json "$head, \"x\": 1, \"x\": 2}" "duplicate"
json '{"schema": "nncompress.report", "schema_version": 99, "kind": "compress"}' "schema_version is 99"
json '{"schema": "nncompress.report", "schema_version": 1, "kind": "eval"}' "kind is 'eval'"
json "$(head -c 60000 /dev/zero | tr '\0' '[')" "more than 32 levels"
head -c 5000000 /dev/zero | tr '\0' ',' >bad.json
expect 5 "more than 2000000 values" -- "$tool" report bad.json
dd if=/dev/zero of=bad.json bs=1 count=0 seek=70000000 2>/dev/null
expect 5 "larger than 64 MiB" -- "$tool" report bad.json
expect 6 "did you mean" -- "$tool" report mm.json
expect 6 "directory" -- "$tool" report all
# A report that holds almost nothing renders too.
printf '%s}' "$head" >little.json
for f in html junit md csv metrics sbom model-card; do
    expect 0 "" -- "$tool" report little.json --$f -
done
nothing_left
finish
