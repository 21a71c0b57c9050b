#!/bin/sh
# No innermost loop of an INT8 product tile may move vector registers to or from the stack.
# check_spills.sh OBJDUMP OBJECT...; objdump may be empty: then the check is skipped. SPDX-License-Identifier: Apache-2.0
objdump=$1
shift
if [ -z "$objdump" ] || ! command -v "$objdump" >/dev/null 2>&1; then
    echo "skipped: objdump was not found"
    exit 77
fi
checked=0
for object in "$@"; do
    case $object in
    */gemm_q8.c.o) ;;
    *) continue ;;
    esac
    checked=1
    "$objdump" -d --no-show-raw-insn "$object" | awk -v object="$object" '
        function number(hex,   i, n) {
            n = 0
            for (i = 1; i <= length(hex); i++)
                n = n * 16 + index("0123456789abcdef", substr(hex, i, 1)) - 1
            return n
        }
        function loop(target, last,   i, products, spills, where) {
            for (i = last; i > 0 && address[i] >= target; i--) {
                if (back[i] && i < last && jump[i] >= target)
                    return # not innermost
                if (text[i] ~ /vpdpbusd|vpmaddwd/)
                    products++
                if (text[i] ~ /[yz]mm/ && text[i] ~ /\(%rsp|-0x[0-9a-f]+\(%rbp\)/) {
                    spills++
                    where = text[i]
                }
            }
            if (products < 2)
                return
            loops++
            if (spills) {
                printf "%s: %s: %d stack accesses in the loop: %s\n", object, name, spills, where
                bad = 1
            }
        }
        /^[0-9a-f]+ <.*>:$/ { name = $2; count = 0; next }
        /^ +[0-9a-f]+:/ {
            count++
            sub(/:$/, "", $1)
            address[count] = number($1)
            text[count] = $0
            back[count] = 0
            if ($2 ~ /^j/ && $3 ~ /^[0-9a-f]+$/ && number($3) <= address[count]) {
                back[count] = 1
                jump[count] = number($3)
                loop(jump[count], count)
            }
        }
        END {
            printf "%s: %d product loops\n", object, loops
            if (loops < 4) {
                print "expected at least 4: the check no longer sees the loops"
                bad = 1
            }
            exit bad
        }' || exit 1
done
if [ $checked = 0 ]; then
    echo "skipped: no vector tier was compiled"
    exit 77
fi
