# Recipes: layers of options, the files beside a result, dry runs, exclusion, resuming.
. "$(dirname "$0")/lib.sh"
cp "$sample/model.onnx" "$sample/calib.h5" "$sample/test.h5" .
small="--samples 48 --bench-seconds 0 --no-write-report -q"
run_small() {
    # shellcheck disable=SC2086
    "$tool" "$@" $small >"$work/out" 2>"$work/err"
}
same() { cmp -s "$1" "$2" || bad "$1 and $2 differ: $3"; }

# Flags, the recipe they resolve to, and the same bytes again: from elsewhere, and held to the lock file.
mkdir res deep
run_small model.onnx --int8 --calib calib.h5#images --exclude op:Gemm,'#2' --seed 7 --method minmax -o res/a.onnx ||
    bad "the first run failed"
for f in res/a.recipe.yaml res/a.lock.json; do [ -s $f ] || bad "$f was not written"; done
grep -q '^model: ../model.onnx$' res/a.recipe.yaml || bad "the model's path is not relative to the recipe"
(cd / && "$tool" --recipe "$work/res/a.recipe.yaml" --locked "$work/res/a.lock.json" -o "$work/b.onnx" >"$work/out.b" 2>&1) ||
    bad "the resolved recipe does not run: $(cat "$work/out.b")"
same res/a.onnx b.onnx "the resolved recipe"
sed 1d res/a.recipe.yaml | grep -v '^model\|^output\|calib:' >1
sed 1d b.recipe.yaml | grep -v '^model\|^output\|calib:' >2
same 1 2 "resolving a resolved recipe"
cp res/a.onnx first.onnx
cp res/a.recipe.yaml first.yaml
cp res/a.lock.json first.json
expect 6 "exists" -- "$tool" --recipe res/a.recipe.yaml
run_small --recipe res/a.recipe.yaml --locked res/a.lock.json --force || bad "not again in its place"
same res/a.onnx first.onnx "again in its place"
same res/a.recipe.yaml first.yaml "the recipe again in its place"
# The same, of another recipe: the paths and the digest of the recipe that was read differ.
grep -v '"recipe"\|"path"' res/a.lock.json >1
grep -v '"recipe"\|"path"' first.json >2
same 1 2 "the lock file again in its place"

# A locked run names what changed.
r="--recipe res/a.recipe.yaml --locked res/a.lock.json -o c.onnx"
# shellcheck disable=SC2086
{
    expect 2 "setting 'samples' changed: expected 48, got 49" -- "$tool" $r --samples 49
    expect 2 "setting 'exclude' changed" -- "$tool" $r --exclude op:Gemm
    expect 2 "calibration data 'test.h5#images' changed" -- "$tool" $r --calib test.h5#images
    expect 2 "evaluation data 'test.h5#images' changed: expected none" -- "$tool" $r --eval test.h5#images
    printf '\162\006\012\001k\022\001v' | cat model.onnx - >other.onnx # one more metadata property
    expect 2 "model 'other.onnx' changed: expected" -- "$tool" other.onnx $r
    sed 's/"tool": "[^"]*"/"tool": "0.0.1"/' first.json >old.json
    expect 2 "version of nncompress changed: expected 0.0.1" -- "$tool" --recipe res/a.recipe.yaml -o c.onnx --locked old.json
    sed '/"output"/s/"sha256": "...../"sha256": "00000/' first.json >forged.json
    expect 9 "other bytes" -- "$tool" --recipe res/a.recipe.yaml -o c.onnx --locked forged.json
    expect 2 "is not a lock file" -- "$tool" --recipe res/a.recipe.yaml -o c.onnx --locked res/a.recipe.yaml
    expect 2 "lock file that the run is held to" -- "$tool" --recipe res/a.recipe.yaml -o c.onnx --locked first.json \
        --report first.json --force
}
[ -e c.onnx ] && bad "a refused run wrote its output"

# Order of the layers: flag over environment over recipe over default. Paths belong to where they are written.
cat >deep/r.yaml <<'END'
version: 1
model: ../model.onnx
data:
  calib: ../calib.h5#images
  samples: 48
  seed: 3
steps:
  - int8:
      exclude: [op:Gemm, "#2"]
      method: minmax
run:
  bench-seconds: 0
END
config() { grep -q "^ *$1 *# $2\$" "$work/out" || bad "no '$1' from '$2'"; }
NNCOMPRESS_SEED=4 NNCOMPRESS_METHOD=mse NNCOMPRESS_EXCLUDE=op:Relu NNCOMPRESS_CLASSES='' NNCOMPRESS_BIAS_CORRECTION=0 \
    "$tool" --recipe deep/r.yaml --print-config --method entropy -j 2 >"$work/out" 2>"$work/err" || bad "--print-config failed"
config 'model: deep/../model.onnx' 'deep/r.yaml:2'
config 'calib: deep/../calib.h5#images' 'deep/r.yaml:4'
config 'samples: 48' 'deep/r.yaml:5'
config 'seed: 4' 'environment NNCOMPRESS_SEED'
config 'method: entropy' 'command line'
config 'exclude: \["op:Relu"\]' 'environment NNCOMPRESS_EXCLUDE'
config 'bias-correction: false' 'environment NNCOMPRESS_BIAS_CORRECTION'
config 'threads: 2' 'command line'
config 'percentile: 99.999' 'default'
config '# classes:' 'default'
config '- int8:' 'deep/r.yaml:8'
# It prints every option, and is a recipe itself.
"$tool" manual tables | awk -F '\t' '$1 == "compress" { print $2 }' >names
while read -r name; do
    [ "$name" = int8 ] || grep -q "^[ #]*$name:" "$work/out" || bad "--print-config lacks $name"
done <names
cp "$work/out" printed.yaml
expect 0 "samples: 48" -- "$tool" --recipe printed.yaml --print-config
expect 2 "environment variable NNCOMPRESS_SAMPLES: samples: '8k' is not a whole number" -- \
    env NNCOMPRESS_SAMPLES=8k "$tool" --recipe deep/r.yaml --print-config
expect 0 "NNCOMPRESS_SAMPELS sets no option; did you mean the one of --samples?" -- \
    env NNCOMPRESS_SAMPELS=8 "$tool" --recipe deep/r.yaml --print-config
run_small --recipe deep/r.yaml --seed 7 -o d.onnx || bad "a recipe elsewhere does not run"
same d.onnx first.onnx "a recipe written by hand"
run_small --recipe deep/r.yaml --no-int8 -o e.onnx && bad "--no-int8 does not switch the recipe's step off"
grep -q "nothing to do" "$work/err" || bad "--no-int8: $(cat "$work/err")"

# What is wrong in a recipe is told with its place.
sed 's/op:Gemm/op:Gemn/' deep/r.yaml >deep/bad.yaml
expect 2 "deep/bad.yaml:9:17: exclusion 'op:Gemn' matches none of the" -- "$tool" --recipe deep/bad.yaml
grep -q "did you mean 'op:Gemm'" "$work/err" || bad "no suggestion for a pattern"
sed 's/samples/smaples/' deep/r.yaml >deep/bad.yaml
expect 2 "deep/bad.yaml:5:3: unknown key 'smaples'; did you mean 'samples'?" -- "$tool" --recipe deep/bad.yaml
expect 6 "cannot open 'nowhere.yaml'" -- "$tool" --recipe nowhere.yaml
expect 2 "the output is the recipe" -- "$tool" --recipe deep/r.yaml --report deep/r.yaml --force

# A dry run tells what would come, and writes nothing.
before=$(ls -A)
expect 0 "nothing was written" -- "$tool" --recipe deep/r.yaml --eval test.h5#images --dry-run -o f.onnx
[ "$(ls -A)" = "$before" ] || bad "a dry run wrote files"
grep -q 'f.lock.json' "$work/out" || bad "a dry run does not list the files"
predicted=$("$tool" --recipe deep/r.yaml --dry-run --json -o f.onnx 2>/dev/null | sed -n 's/.*"output_bytes": \([0-9]*\).*/\1/p')
bytes=$(wc -c <d.onnx)
[ "${predicted:-0}" -gt $((bytes * 9 / 10)) ] && [ "${predicted:-0}" -lt $((bytes * 11 / 10)) ] ||
    bad "predicted ${predicted:-nothing}, written $bytes bytes"
expect 2 "matches none" -- "$tool" --recipe deep/r.yaml --exclude nothing --dry-run

# Arguments from files.
printf -- '--int8 # a comment\n--calib "calib.h5#images" @more.args\n' >some.args
printf -- "--samples 48 --bench-seconds '0' --no-write-report -q\n" >more.args
expect 0 "" -- "$tool" model.onnx @some.args --exclude op:Gemm,#2 --seed 7 --method minmax -o g.onnx
same g.onnx first.onnx "arguments from files"
echo "@loop.args" >loop.args
expect 2 "loop.args:1: @loop.args: files of arguments are nested deeper than 4" -- "$tool" @loop.args
printf '\n"open\n' >open.args
expect 2 "open.args:2: a quote" -- "$tool" @open.args
printf -- '\n\n@none.args\n' >to.args
expect 6 "to.args:3: cannot open 'none.args'" -- "$tool" @to.args
expect 2 "unknown option '--calb'" -- sh -c 'echo --calb >typo.args && exec "$0" @typo.args' "$tool"

# Two runs on one output: the second ends at once, whatever ends the first.
"$tool" model.onnx --int8 --calib calib.h5#images --bench-seconds 30 -o h.onnx >"$work/out.h" 2>&1 &
first=$!
tries=0
until [ -e .h.onnx.nnc-lock ] || [ $tries = 200 ]; do tries=$((tries + 1)); sleep 0.02; done
expect 6 "is being written by another run (process $first)" -- "$tool" model.onnx --int8 --calib calib.h5#images -o h.onnx
kill -KILL $first
wait $first 2>/dev/null
rm -f .h.onnx.nnc-*.tmp
# shellcheck disable=SC2086
expect 0 "" -- "$tool" model.onnx --int8 --calib calib.h5#images -o h.onnx $small
[ -e .h.onnx.nnc-lock ] && bad "the lock of a killed run stayed"

# init looks at model and data, and its recipe runs.
if "$tool" manual verbs | grep -q '^init$'; then
    expect 0 "wrote" -- "$tool" init model.onnx --calib calib.h5#images -o made.yaml
    expect 6 "exists" -- "$tool" init model.onnx --calib calib.h5#images -o made.yaml
    expect 0 "wrote" -- "$tool" init model.onnx --calib calib.h5#images -o made.yaml --force
    grep -q '^# ' made.yaml || bad "the recipe of init has no comments"
    run_small --recipe made.yaml --exclude op:Gemm,#2 --seed 7 --method minmax -o i.onnx || bad "the recipe of init does not run"
    same i.onnx first.onnx "the recipe of init"
    mkdir sub
    expect 0 "wrote" -- "$tool" init model.onnx -o sub/made.yaml
    grep -q '^model: ../model.onnx$' sub/made.yaml || bad "init: the model's path is not relative to the recipe"
    expect 2 "needs samples" -- "$tool" --recipe sub/made.yaml
fi
finish
