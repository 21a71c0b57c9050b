# docs/recipe.md names every key in its section, and nothing else.
. "$(dirname "$0")/lib.sh"
cp "$sample/model.onnx" .
"$tool" model.onnx --int8 --print-config >printed || bad "--print-config"
sed '/^# Of the command line alone:/,$d' printed | awk '
    function row() { if (keys != "") print "| " section " | " keys " |" }
    BEGIN { section = "top" }
    /^[a-z]+:$/ { row(); keys = ""; section = "`" substr($0, 1, length($0) - 1) "`"; next }
    /^  - [a-z0-9]+:/ { row(); keys = ""; split($2, name, ":"); section = "`steps`, `" name[1] "`"; next }
    match($0, /^ *(# )?[a-z0-9-]+:/) {
        key = substr($0, RSTART, RLENGTH); gsub(/[ #:]/, "", key); keys = keys (keys == "" ? "" : ", ") "`" key "`"
    }
    END { row() }' >want
sed -n '/^## What stands where/,/^## What a recipe/p' "$source/docs/recipe.md" | grep '^| \(top\|`\)' >got
diff want got >"$work/out" || bad "docs/recipe.md is not what the tables say (<: the tables, >: the page)"
finish
