# Shared by the command line tests: sourced with $1 = tool, $2 = source folder.
# Widths are counted in bytes by some awks: plain ASCII output.
LC_ALL=C
export LC_ALL
unset NNRT_MAX_ISA
tool=$1
source=$2
sample=$source/datasets/sample
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
failures=0

bad() {
    failures=$((failures + 1))
    echo "FAILED: $*"
    echo "--- stdout"; cat "$work/out" 2>/dev/null
    echo "--- stderr"; cat "$work/err" 2>/dev/null
}

# expect CODE WORDS -- COMMAND...: exit code, and WORDS in standard error (or output when it is 0).
expect() {
    code=$1; words=$2; shift 3
    "$@" >"$work/out" 2>"$work/err"
    judge $? "$@"
}

# expect_measured: the same, again while other load on the machine leaves a gate on times undecided.
expect_measured() {
    code=$1; words=$2; shift 3
    for round in 1 2 3 4 5; do
        "$@" >"$work/out" 2>"$work/err"
        got=$?
        grep -Eq "UNDECIDED gate=[a-z,-]*(speedup|latency)" "$work/out" || break
    done
    judge "$got" "$@"
}

# judge EXIT COMMAND...: what `expect` wants of a command that has run.
judge() {
    got=$1; shift
    [ "$got" = "$code" ] || { bad "exit $got, expected $code: $*"; return; }
    if [ -n "$words" ]; then
        if [ "$code" = 0 ]; then
            cat "$work/out" "$work/err" | grep -qF -- "$words" || bad "no '$words' in: $*"
        else
            grep -qF -- "$words" "$work/err" || bad "no '$words' on stderr of: $*"
            [ "$(grep -c '^nncompress: error' "$work/err")" = 1 ] || bad "not one error line: $*"
        fi
    fi
}

# nothing_left: no temporary or output file of a failed run.
nothing_left() {
    left=$(find "$work" -name '*.tmp' -o -name '*.int8.*' | head -3)
    [ -z "$left" ] || bad "left behind: $left"
}

finish() {
    [ "$failures" = 0 ] || { echo "$failures checks failed"; exit 1; }
    echo "all checks passed"
}
