/* Facts that folders tell about themselves. SPDX-License-Identifier: Apache-2.0 */
#include "base/facts.h"

#include <stdio.h>
#include <string.h>

/* Digits in groups of three. */
static void format_count(char buf[32], uint64_t value)
{
    char digits[24];
    size_t n = (size_t)snprintf(digits, sizeof(digits), "%llu", (unsigned long long)value), at = 0;
    for (size_t i = 0; i < n; i++) {
        if (i && n > 4 && (n - i) % 3 == 0) {
            buf[at++] = ' ';
        }
        buf[at++] = digits[i];
    }
    buf[at] = 0;
}

char *nnc_limit_format(char buf[32], const nnc_limit *limit)
{
    static const char *const units[] = {"bytes", "KiB", "MiB", "GiB", "TiB"};
    uint64_t value = limit->value;
    size_t unit = 0;
    while (limit->unit == NNC_LIMIT_BYTES && unit < 4 && value >= 1024 && value % 1024 == 0) {
        value /= 1024;
        unit++;
    }
    format_count(buf, value);
    if (limit->unit != NNC_LIMIT_COUNT) {
        size_t n = strlen(buf);
        snprintf(buf + n, 32 - n, " %s", limit->unit == NNC_LIMIT_PERCENT ? "%" : units[unit]);
    }
    return buf;
}
