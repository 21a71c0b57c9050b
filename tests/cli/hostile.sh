# Inputs made to confuse: one error line, the documented exit code, nothing published, nothing raw on the terminal.
. "$(dirname "$0")/lib.sh"
cp "$sample/model.onnx" .
calib=$sample/calib.h5#images
test=$sample/test.h5#images
small="--samples 32 --bench-seconds 0"

# clean: neither stream holds a byte that a terminal acts on.
clean() {
    cat "$work/out" "$work/err" | tr -d '\11\12\40-\176' | grep -q . && bad "raw bytes shown: $*"
}

# Outputs that would overwrite each other, or what is read.
cp "$sample/calib.h5" mine.h5
before=$(cksum <mine.h5)
# shellcheck disable=SC2086
{
    expect 2 "model output" -- "$tool" model.onnx --int8 --calib "$calib" $small -o a.onnx --report a.onnx -f
    expect 2 "model output" -- "$tool" model.onnx --int8 --calib "$calib" $small -o a.onnx --report ./a.onnx -f
    expect 2 "json report" -- "$tool" model.onnx --int8 --calib "$calib" $small --report r --report-json r -f
    expect 2 "calibration data" -- "$tool" model.onnx --int8 --calib mine.h5#images $small --report mine.h5 -f
    expect 2 "evaluation data" -- "$tool" model.onnx --int8 --calib "$calib" --eval mine.h5#images $small \
        --report-json mine.h5 -f
    expect 2 "calibration cache" -- "$tool" model.onnx --int8 --calib "$calib" $small --calib-cache r -o a.onnx \
        --report r -f
}
[ "$(cksum <mine.h5)" = "$before" ] || bad "data was overwritten"
[ -e a.onnx ] && bad "a refused run wrote its output"

# Models: an operator that this build lacks is no model with nothing to compress.
head='\010\010:'
tail='\022\001gZ\023\012\001x\022\016\012\014\010\001\022\010\012\002\010\001\012\002\010\004b\023\012\001y\022\016\012\014\010\001\022\010\012\002\010\001\012\002\010\004B\004\012\000\020\015'
printf "$head"';\012\014\012\001x\022\001y\042\004Frob'"$tail" >frob.onnx
printf "$head"';\012\014\012\001x\022\001y\042\004Relu'"$tail" >relu.onnx
printf "$head"'B\012\023\012\001x\022\001y\032\005\033[\063\061m\042\004Relu'"$tail" >ansi.onnx
expect 4 "Frob" -- "$tool" check frob.onnx
expect 4 "Frob" -- "$tool" run frob.onnx --data random:2
expect 4 "Frob" -- "$tool" frob.onnx --int8 --calib random:2
expect 1 "nothing to compress" -- "$tool" relu.onnx --int8 --calib random:2
expect 0 '\x1b[31m' -- "$tool" inspect --nodes ansi.onnx
clean "control bytes in a node's name"
expect 3 "" -- sh -c 'exec "$0" check - </dev/null' "$tool"

# File names that act on terminals or turn the writing direction; bytes that are no UTF-8.
for name in '\302\233\063\061m' '\342\200\256gnp' '\377\376' '\033[31m' 'a\012nncompress: error: b'; do
    file=$(printf "$name.onnx")
    expect 6 "" -- "$tool" check "$file"
    clean "$name"
done

# Labels.
expect 5 "labels for" -- sh -c 'echo 1 >l && exec "$0" eval model.onnx --eval "$1" --labels l' "$tool" "$test"
expect 5 "negative" -- sh -c 'echo -1 >l && exec "$0" eval model.onnx --eval "$1" --labels l' "$tool" "$test"
expect 5 "the model has" -- sh -c 'echo 1000 >l && yes 1 | head -1999 >>l && exec "$0" eval model.onnx --eval "$1" --labels l' "$tool" "$test"
expect 5 "NUL" -- sh -c 'printf "\0\0\n" >l && exec "$0" eval model.onnx --eval "$1" --labels l' "$tool" "$test"
expect 5 "no array" -- "$tool" eval model.onnx --eval "$sample/test.h5#nope"

# Data.
mkdir empty bad set
echo nothing >bad/a.jpg
: >bad/b.jpg
: >set/output_0.pb
expect 5 "without files" -- "$tool" model.onnx --int8 --calib empty
expect 5 ".jpg: " -- "$tool" model.onnx --int8 --calib bad --preprocess unit
expect 5 "input_0.pb" -- "$tool" model.onnx --int8 --calib set
expect 5 "input_0.pb" -- "$tool" run model.onnx --golden set
# A header of 118 bytes, as numpy.save writes it, and 4 bytes of data.
npy() {
    printf '\223NUMPY\001\000v\000%-117s\n%b' "{'descr': '$1', 'fortran_order': False, 'shape': $2, }" 'abcd' >x.npy
}
npy '|O' '(2,)'
expect 5 "pickle" -- "$tool" model.onnx --int8 --calib x.npy
npy '<f4' '(40, 3, 32, 32)'
expect 5 "needs 491520 bytes, the file has 4" -- "$tool" model.onnx --int8 --calib x.npy
npy '<f4' '(99999999999, 99999999999)'
expect 5 "too large" -- "$tool" model.onnx --int8 --calib x.npy
npy '<f4' '(0, 3, 32, 32)'
expect 5 "" -- "$tool" model.onnx --int8 --calib x.npy

# Data cut while the reader threads use it: the samples behind the cut are gone. The cut comes when the
# model's first input was printed; several rounds, since all readers meet the cut at once.
cat >cut.sh <<'END'
rm -f said
(
    left=1000
    until grep -q "the model sees" said 2>/dev/null || [ $left = 0 ]; do
        left=$((left - 1))
        sleep 0.01
    done
    : >x.npy
) &
"$1" model.onnx --int8 --calib x.npy --samples 20000 -o cut.onnx 2>said
code=$?
wait
cat said >&2
exit $code
END
for round in 1 2 3 4 5; do
    npy '<f4' '(20000, 3, 32, 32)'
    dd if=/dev/zero bs=1 count=0 seek=245760128 of=x.npy 2>/dev/null
    expect 6 "became shorter" -- sh cut.sh "$tool"
done
rm -f x.npy cut.sh said

# Standard streams.
if [ -c /dev/full ]; then
    for verb in inspect check; do
        expect 6 "standard output" -- sh -c 'exec "$0" "$1" model.onnx >/dev/full' "$tool" "$verb"
    done
fi
# shellcheck disable=SC2086
expect 0 "" -- sh -c 'tool=$0; exec "$tool" "$@" <&- >&-' "$tool" model.onnx --int8 --calib "$calib" $small -o c.onnx
expect 0 "valid" -- "$tool" check c.onnx
rm -f c.onnx

# Little memory: a status, never a signal. Sanitizers need more address space than this to begin with.
if (ulimit -v 1000000 && "$tool" --version) >/dev/null 2>&1; then
    for kb in 25000 26000 27000 28000 28500 29000 29250 29500 29750 30000 30250 30500 31000 32000 33000 36000 40000; do
        # shellcheck disable=SC2086
        (ulimit -v $kb && exec "$tool" model.onnx --int8 --calib "$calib" $small -o memory.onnx -f) >"$work/out" 2>"$work/err"
        code=$?
        # 127: not even the libraries can be loaded.
        case $code in 0 | 7 | 127) ;; *) bad "$kb kB of memory: exit $code, expected 7" ;; esac
    done
    rm -f memory.*
else
    echo "no limit of memory here: little memory is not tested"
fi

# Two runs to one name: one result, whole.
# shellcheck disable=SC2086
{
    "$tool" model.onnx --int8 --calib "$calib" $small -o two.onnx >one.out 2>&1 &
    "$tool" model.onnx --int8 --calib "$calib" $small -o two.onnx >two.out 2>&1
    second=$?
    wait $!
    first=$?
}
case "$first $second" in
    "0 6" | "6 0") ;;
    *) bad "two runs to one output gave $first and $second" ;;
esac
expect 0 "valid" -- "$tool" check two.onnx
nothing_left
finish
