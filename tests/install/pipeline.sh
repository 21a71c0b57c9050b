# Jobs of a pipeline on an installed system: every gate and report, every verdict, and what goes wrong on real machines.
# Each job is a row of $work/pipeline.md: what, exit code, last line. Sourced by scripts/package-test, which brings `inside`.
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh disable=SC2034,SC2154

# job CODE WORDS WHAT COMMAND: runs in $folder of $system as $user; exit code, WORDS in what it says, one error line or none,
# and nothing half-written afterwards.
job() {
    want=$1 words=$2 what=$3 code=0
    inside "$system" "$user" "cd '$folder' && $4" >"$work/out" 2>"$work/err" || code=$?
    line=$(grep '^nncompress: [A-Z]' "$work/out" | tail -n 1)
    [ "$code" -le 1 ] && [ -n "$line" ] || line=$(grep '^nncompress: error' "$work/err" | tail -n 1)
    [ -n "$line" ] || line=$(grep '^nncompress: ' "$work/err" | tail -n 1)
    printf '| %s | %s | `%s` |\n' "$what" "$code" "$(printf %s "$line" | tr '|' '/')" >>"$work/pipeline.md"
    say "  exit $code: $what"
    [ "$code" = "$want" ] || { cat "$work/out" "$work/err" >&2; fail "$what: expected exit $want"; }
    grep -qF -- "$words" "$work/out" "$work/err" || { cat "$work/out" "$work/err" >&2; fail "$what: expected '$words'"; }
    errors=$(grep -c '^nncompress: error' "$work/err" || true)
    [ "$errors" = "$((code != 0 && code < 128))" ] || { cat "$work/err" >&2; fail "$what: $errors error lines"; }
    left=$(find "$work/$system$folder" -name '*.tmp' -o -name '*.nnc-lock' | head -n 3)
    [ -z "$left" ] || fail "$what: left behind: $left"
    checks=$((checks + 1))
}

# there NAME YES|NO: whether the last job published NAME.
there() {
    if [ -e "$work/$system$folder/$1" ]; then found=yes; else found=no; fi
    [ "$found" = "$2" ] || fail "$what: '$1' exists: $found, expected $2"
}

# verdicts TOOL JOB OPTIONS_OF_LATENCY: each gate passed, failed and undecided. JOB lacks the output.
verdicts() {
    all="--max-drop 6% --min-agreement 85% --min-speedup 0.01 --max-latency 60000ms --max-size 60% --max-memory 1GB"
    job 0 "nncompress: PASSED" "all gates, every report" "$1 $2 -o all.onnx --reports all $3 $all"
    for form in onnx json html junit.xml md csv metrics.jsonl cdx.json card.md recipe.yaml lock.json; do
        there "all.$form" yes
        [ -s "$work/$system$folder/all.$form" ] || fail "all.$form is empty"
    done
    [ "$(grep -c '<testcase' "$work/$system$folder/all.junit.xml")" -ge 6 ] || fail "JUnit lacks gates"
    [ "$(grep -c 'verdict": "PASSED"' "$work/$system$folder/all.json")" -ge 7 ] || fail "JSON lacks gates"
    job 0 "nncompress: PASSED" "the same gates and the report as baseline" \
        "mkdir next && $1 $2 -o next.onnx --reports next $3 $all --baseline all.json --baseline-latency 100%"
    cmp "$work/$system$folder/all.onnx" "$work/$system$folder/next.onnx" || fail "two runs gave other bytes"
    quick="$2 --bench-seconds 0 --no-write-recipe"
    job 1 "FAILED gate=max-size" "\`--max-size\` failed" "$1 $quick -o no.onnx --max-size 1kB --report-junit no.xml"
    there no.onnx no
    grep -q '<failure' "$work/$system$folder/no.xml" || fail "JUnit has no failure"
    job 1 "FAILED gate=max-memory" "\`--max-memory\` failed" "$1 $quick -o no.onnx -f --max-memory 1kB"
    job 1 "UNDECIDED gate=max-drop" "\`--max-drop\` undecided" \
        "$1 $quick -o open.onnx --max-drop 0.01%rel --report-junit open.xml"
    there open.onnx no
    grep -q '<error' "$work/$system$folder/open.xml" || fail "JUnit has no error"
    job 1 "gate=min-agreement" "\`--min-agreement\` refused" "$1 $quick -o no.onnx -f --min-agreement 99.99%"
    job 1 "FAILED gate=min-accuracy" "\`--min-accuracy\` failed" "$1 $quick -o no.onnx -f --min-accuracy 99.99%"
    job 1 "FAILED gate=min-speedup" "\`--min-speedup\` failed" "$1 $2 $3 --no-write-recipe -o no.onnx -f --min-speedup 1000"
    job 1 "FAILED gate=max-latency" "\`--max-latency\` failed" "$1 $2 $3 --no-write-recipe -o no.onnx -f --max-latency 0.000001"
    job 5 "preprocessing is probably wrong" "\`--min-fp32\` above the original" "$1 $quick -o low.onnx --min-fp32 99.9%"
    there low.onnx no
    there low.json no
}

# baselines TOOL JOB LATENCY: a baseline of another machine counts for size and accuracy alone, one of another model not at all.
baselines() {
    in=$work/$system$folder
    sed 's/"cpu": "[^"]*"/"cpu": "Another CPU"/; s/"p50_ms": [0-9.e-]*/"p50_ms": 0.000001/' "$in/all.json" >"$in/cpu.json"
    sed 's/"isa": "[^"]*"/"isa": "ref"/; s/"p50_ms": [0-9.e-]*/"p50_ms": 0.000001/' "$in/all.json" >"$in/isa.json"
    sed '/"source": {/,/}/s/"sha256": "[0-9a-f]*"/"sha256": "00000000000000000000"/' "$in/all.json" >"$in/stale.json"
    sed 's/"schema_version": 1/"schema_version": 2/' "$in/all.json" >"$in/newer.json"
    head -c 3000 "$in/all.json" >"$in/cut.json"
    job 0 "the baseline is of another CPU" "baseline of another CPU" "$1 $2 $3 -o b.onnx --baseline cpu.json"
    job 0 "of other kernels" "baseline of another \`isa\`" "$1 $2 $3 -o b.onnx -f --baseline isa.json"
    job 5 "stale" "baseline of another original" "$1 $2 -o s.onnx --baseline stale.json"
    job 5 "schema_version" "baseline of a newer format" "$1 $2 -o s.onnx --baseline newer.json"
    job 5 "cut.json" "baseline cut off" "$1 $2 -o s.onnx --baseline cut.json"
    there s.onnx no
}

# machines TOOL JOB: full, read-only and foreign places, users without a name, no device.
machines() {
    quick="$2 --bench-seconds 0"
    mkdir -p "$work/$system$folder/place"
    chmod 755 "$work/$system$folder/place"
    job 6 "permission denied" "folder of somebody else" "$1 $quick -o place/a.onnx"
    prepare='mount -t tmpfs -o size=64k,mode=1777 none home/someone/place'
    job 6 "no space: needs" "file system of 64 kB" "$1 $quick -o place/a.onnx; code=\$?; ls -A place; exit \$code"
    there place/a.onnx no
    prepare='mount -t tmpfs -o size=8m,mode=1777 none home/someone/place; head -c 8000000 /dev/zero >home/someone/place/filler'
    job 6 "no space" "file system all but full" "$1 $quick -o place/a.onnx; code=\$?; [ \"\$(ls -A place)\" = filler ] || exit 99; exit \$code"
    prepare='mount -t tmpfs -o size=8m,mode=1777,ro none home/someone/place'
    job 6 "read-only" "read-only output folder" "$1 $quick -o place/a.onnx"
    prepare='mount --bind "$1" "$1" && mount -o remount,bind,ro "$1" && mount -t proc proc "$1/proc" &&
        mount -t tmpfs -o size=64m,mode=1777 none "$1/home/someone/place"'
    job 0 "DONE" "read-only root, result on the one volume" "$1 $quick -o place/a.onnx && cat place/a.recipe.yaml"
    prepare=:
    chmod 777 "$work/$system$folder/place"
    user=31337:31337
    job 0 "DONE" "user id without a name" "$1 $quick -o place/u.onnx"
    for home in /nonexistent /proc '' relative; do
        job 0 "DONE" "\`HOME=$home\`" "HOME='$home' $1 $quick -o place/u.onnx -f"
    done
    job 0 "DONE" "no environment at all" "env -i $(inside "$system" 0:0 "command -v $1") $quick -o place/u.onnx -f"
    user=4711:4711
    rm -rf "$work/$system$folder/place"
    job 8 "CUDA" "\`--device cuda\` without a device" "$1 $quick -o cuda.onnx --device cuda"
    there cuda.onnx no
    job 0 "DONE" "\`--device auto\` without a device" "$1 $quick -o auto.onnx --device auto"
    grep -q '"GPU: CUDA: ' "$work/$system$folder/auto.json" || fail "the report does not say why it ran on the CPU"
    job 6 "exists" "output exists" "$1 $quick -o auto.onnx"
    job 143 "interrupted; nothing was written" "SIGTERM" "{ $1 $2 --bench-seconds 60 -o term.onnx & sleep 1; kill -TERM \$!; wait \$!; }"
    there term.onnx no
}

# images TOOL SHARED: a folder of images, one of which is broken. Skipped visibly without the collection of models.
images() {
    in=$work/$system$folder
    mkdir -p "$in/calib"
    for class in airplane automobile bird cat deer dog frog horse ship truck; do
        mkdir "$in/calib/$class"
        cp "$2/data/cifar10/train/$class/000"*.jpg "$in/calib/$class/"
    done
    set -- "$1" "resnet20.onnx --int8 --calib calib --eval cifar.h5#images --preprocess cifar --bench-seconds 0" "$2"
    cp "$3/models/resnet20-cifar10/model.onnx" "$in/resnet20.onnx"
    cp "$3/data/cifar10/lossless200.h5" "$in/cifar.h5"
    options="--mean .485,.456,.406 --std .229,.224,.225"
    job 0 "DONE" "folder of 100 images" "$1 $2 $options -o whole.onnx"
    head -c 300 "$3/data/cifar10/train/cat/0003.jpg" >"$in/calib/cat/0003.jpg"
    job 0 "DONE" "one of 100 images broken" "$1 $2 $options -o broken.onnx"
    grep -q '0003.jpg' "$work/err" || fail "the broken image is not named"
    job 5 "0003.jpg" "one broken, \`--max-bad 0%\`" "$1 $2 $options -o none.onnx --max-bad 0%"
    there none.onnx no
    for f in 0000 0001 0002; do echo '<html>' >"$in/calib/dog/$f.jpg"; done
    job 5 ".jpg" "four of 100 images broken" "$1 $2 $options -o none.onnx"
    there none.onnx no
}

# pipeline TITLE TOOL SAMPLE SHARED
pipeline() {
    user=4711:4711 folder=/home/someone prepare=:
    rm -rf "${work:?}/$system$folder"/*
    printf '\n### %s\n\n| job | exit | last line |\n|---|---|---|\n' "$1" >>"$work/pipeline.md"
    small="$3/model.onnx --int8 --calib $3/calib.h5#images --samples 64 --eval $3/test.h5#images"
    verdicts "$2" "$small" "--bench-seconds 0.3 --threads 1"
    baselines "$2" "$small" "--bench-seconds 0.3 --threads 1"
    machines "$2" "$small"
    if [ -d "$4/models" ]; then images "$2" "$4"; else say "  no collection of models: no jobs on images"; fi
}
