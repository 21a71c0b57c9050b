# Help, manual pages, reference and completions say exactly what the option tables say.
. "$(dirname "$0")/lib.sh"

"$tool" manual tables >tables || bad "manual tables"
"$tool" manual verbs >verbs
[ "$(wc -l <tables)" -gt 50 ] || bad "the tables are too short"

# same VERB FORM: the options in ./got are those of the verb's table.
same() {
    awk -F '\t' -v verb="$1" '$1 == verb { print $2 }' tables | sort >want
    sort got >sorted
    diff want sorted >out 2>err || bad "$2 of $1 differs from the table (<: missing, >: extra)"
}

"$tool" manual markdown >reference.md
diff "$source/docs/reference.md" reference.md >out 2>err ||
    bad "docs/reference.md is not what the tables say; write it again: nncompress manual markdown >docs/reference.md"
for shell in bash zsh fish; do
    expect 0 nncompress -- "$tool" completion $shell
    cp "$work/out" "completion.$shell"
done
expect 2 "not bash, zsh or fish" -- "$tool" completion tcsh
expect 2 "expected 1" -- "$tool" completion

while read -r verb; do
    "$tool" "$verb" --help >help
    sed -n 's/^ \{2,6\}\(-[a-zA-Z], \)\{0,1\}--\([a-z0-9-]*\).*/\2/p' help >got
    same "$verb" "--help"
    # The section of the verb, up to the next heading.
    awk -v heading="## nncompress $verb" '/^## / { inside = $0 == heading } inside' reference.md |
        sed -n 's/^| `\(-[a-zA-Z]`, `\)\{0,1\}--\([a-z0-9-]*\).*/\2/p' >got
    same "$verb" reference
    "$tool" manual man "$verb" >page
    sed 's/\\//g' page | sed -n 's/^\(fB-[a-zA-Z]fR, \)\{0,1\}fB--\([a-z0-9-]*\)fR.*/\2/p' >got
    same "$verb" "manual page"
    grep -q '^\.SH EXIT STATUS' page || bad "manual page of $verb without exit codes"
    awk -v heading="    $verb)" '$1 == $1 && /^    [a-z]+\)/ { inside = index($0, heading) == 1 } inside' completion.bash |
        sed -n "s/^        options='\(.*\)'/\1/p" | tr ' ' '\n' | sed -n 's/^--//p' >got
    same "$verb" "bash completion"
    awk -v heading="    $verb)" '/^    [a-z]+\) _arguments/ { inside = index($0, heading) == 1 } inside' completion.zsh |
        sed -n "s/^        '[^[]*--\([a-z0-9-]*\)[^[]*\[.*/\1/p" >got
    same "$verb" "zsh completion"
    sed -n "s/^complete -c nncompress -n '__nncompress_verb $verb' -l \([a-z0-9-]*\).*/\1/p" completion.fish >got
    same "$verb" "fish completion"
    for option in quiet verbose log-file json; do
        [ "$verb $option" = "completion json" ] || grep -q "^$verb	$option	" tables || bad "$verb has no --$option"
    done
done <verbs

# Every shell that is here reads its script; bash also completes.
bash -n completion.bash 2>err || bad "bash does not read its completion"
for shell in zsh fish; do
    if command -v $shell >/dev/null; then
        $shell -n completion.$shell 2>err || bad "$shell does not read its completion"
    else
        echo "no $shell here: its completion is not read"
    fi
done
# complete WORDS...: what bash offers for the last word.
complete_with() {
    cat completion.bash - <<'END' >run.bash
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
compopt() { :; }
_nncompress
printf '%s\n' "${COMPREPLY[@]}"
END
    bash run.bash "$@" >out 2>err
}
complete_with nncompress comp
grep -qx compress out || bad "bash does not offer the verb compress"
complete_with nncompress compress --cal
grep -qx -- --calib out || bad "bash does not offer --calib"
complete_with nncompress run model.onnx --isa av
[ "$(grep -c '^avx' out)" = 3 ] || bad "bash does not offer the three AVX tiers"
complete_with nncompress compress model.onnx --target tr
[ "$(cat out)" = "trt10
trt11" ] || bad "bash does not offer the targets"
complete_with nncompress compress model.onnx --method e
grep -qx entropy out || bad "bash does not offer the methods"
if command -v fish >/dev/null; then
    offered=$(fish --no-config -c 'source completion.fish; complete -C "nncompress compress m.onnx --method ent"' 2>err | cut -f 1)
    [ "$offered" = entropy ] || bad "fish does not offer the methods"
fi
if command -v mandoc >/dev/null; then
    "$tool" manual man compress >page.1
    mandoc -T lint -W warning page.1 2>/dev/null | grep -v 'missing date' >out && bad "mandoc finds faults in a manual page"
fi
complete_with nncompress completion ba
grep -qx bash out || bad "bash does not offer itself"
if command -v man >/dev/null && man --version 2>/dev/null | grep -q '^man '; then
    "$tool" manual man >page.1
    man --warnings -E UTF-8 -l -Tutf8 -Z page.1 >/dev/null 2>err || bad "man does not read nncompress.1"
    [ -s err ] && bad "man warns about nncompress.1"
fi

# doctor and limits.
expect 0 "result     ready" -- "$tool" doctor
[ "$(grep -c . "$work/out")" = 12 ] || bad "doctor does not print one line each"
expect 0 '"problems"' -- env TMPDIR=/nonexistent sh -c "'$tool' doctor --json; true"
expect 6 "cannot be written" -- env TMPDIR=/nonexistent "$tool" doctor
expect 2 "NNRT_MAX_ISA" -- env NNRT_MAX_ISA=sse9 "$tool" doctor
expect 8 "NNRT_CUDA_PLUGIN" -- env NNRT_CUDA_PLUGIN=/nonexistent.so "$tool" doctor --device cuda
expect 0 "not usable" -- env NNRT_CUDA_PLUGIN=/nonexistent.so "$tool" doctor
expect 0 '"kind": "doctor"' -- "$tool" doctor --json
if [ -n "${3:-}" ]; then
    expect 0 "compute" -- env NNRT_CUDA_PLUGIN="$3" "$tool" doctor --device cuda
fi
expect 0 "64 GiB" -- "$tool" limits
expect 0 --max-bad -- "$tool" limits
expect 0 '"unit": "bytes"' -- "$tool" limits --json
# The limits named there are options of some verb.
"$tool" limits | sed -n 's/.*  --\([a-z-]*\)$/\1/p' | while read -r option; do
    grep -q "	$option	" tables || echo "$option"
done >out
[ -s out ] && bad "limits names an option that no verb has"
finish
