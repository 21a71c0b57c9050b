#!/bin/sh
# Every option that the pipelines of examples/ci, the Dockerfile and the documentation give to nncompress exists.
# SPDX-License-Identifier: Apache-2.0 Usage: ci.sh TOOL REPOSITORY
set -eu
tool=$1 root=$2
list=$(mktemp)
trap 'rm -f "$list"' EXIT
"$tool" manual tables | awk -F '\t' '$1 == "compress" { print $2 }' >"$list"
failures=0 count=0
for file in gitlab-ci.yml github/action.yml kubernetes-job.yml slurm.sh; do
    path=$root/examples/ci/$file
    # What follows the model or the args of a job, up to the end of the command; --x of other programs stand elsewhere.
    used=$(sed -e 's/#SBATCH.*//' -e '/tar -x/d' "$path" | grep -oE -- '(^|[ -])--[a-z][a-z0-9-]*' | grep -oE -- '--[a-z0-9-]+' | sort -u)
    for option in $used; do
        count=$((count + 1))
        grep -qx -- "${option#--}" "$list" || {
            echo "$file: compress has no option $option"
            failures=$((failures + 1))
        }
    done
    for option in --int8 --calib --eval --max-drop --report-junit --report-md --output; do
        echo "$used" | grep -qx -- "$option" || {
            echo "$file: does not use $option"
            failures=$((failures + 1))
        }
    done
    [ "${file%.yml}" != "$file" ] || sh -n "$path"
done
# The version that the examples name is this one.
version=$("$tool" --version | cut -d ' ' -f 2)
for file in Dockerfile examples/ci/gitlab-ci.yml examples/ci/github/workflow.yml examples/ci/kubernetes-job.yml; do
    grep -q "$version" "$root/$file" || {
        echo "$file: does not name version $version"
        failures=$((failures + 1))
    }
done
echo "$count options, $failures failures"
[ "$count" -gt 20 ] && [ "$failures" = 0 ]
