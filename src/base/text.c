/* Patterns, near names and strict numbers (declared in base/str.h).
 * SPDX-License-Identifier: Apache-2.0 */
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

/* Remembers only the last star: an earlier one never needs to take more than it did. */
bool nnc_glob_match(const char *pattern, const char *text)
{
    const char *star = NULL;
    const char *resume = NULL;
    while (*text != '\0') {
        if (*pattern == '*') {
            star = ++pattern;
            resume = text;
        } else if (*pattern == '?' || *pattern == *text) {
            bool any = *pattern == '?';
            pattern++;
            text++;
            while (any && ((unsigned char)*text & 0xC0) == 0x80) {
                text++;
            }
        } else if (star != NULL) {
            pattern = star;
            text = ++resume;
        } else {
            return false;
        }
    }
    while (*pattern == '*') {
        pattern++;
    }
    return *pattern == '\0';
}

enum { LONGEST_WORD = 255 };

size_t nnc_edit_distance(const char *a, const char *b)
{
    size_t na = strlen(a), nb = strlen(b);
    if (na > LONGEST_WORD || nb > LONGEST_WORD) {
        return strcmp(a, b) == 0 ? 0 : na > nb ? na : nb;
    }
    /* Three rows of the table: the swap looks two rows back. */
    uint16_t rows[3][LONGEST_WORD + 1];
    for (size_t j = 0; j <= nb; j++) {
        rows[0][j] = (uint16_t)j;
    }
    for (size_t i = 1; i <= na; i++) {
        uint16_t *row = rows[i % 3], *up = rows[(i + 2) % 3], *up2 = rows[(i + 1) % 3];
        row[0] = (uint16_t)i;
        for (size_t j = 1; j <= nb; j++) {
            unsigned best = up[j - 1] + (a[i - 1] != b[j - 1]);
            best = up[j] + 1u < best ? up[j] + 1u : best;
            best = row[j - 1] + 1u < best ? row[j - 1] + 1u : best;
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
                best = up2[j - 2] + 1u < best ? up2[j - 2] + 1u : best;
            }
            row[j] = (uint16_t)best;
        }
    }
    return rows[na % 3][nb];
}

const char *nnc_nearest(const char *word, const char *const *names, size_t n)
{
    size_t len = strlen(word);
    /* About one mistake in four characters; a prefix of the name is near too. */
    size_t best_distance = len < 5 ? 1 : len < 9 ? 2 : 3;
    const char *best = NULL;
    const char *prefixed = NULL;
    for (size_t i = 0; i < n; i++) {
        size_t distance = nnc_edit_distance(word, names[i]);
        if (distance < len &&
            (distance < best_distance || (best == NULL && distance == best_distance))) {
            best = names[i];
            best_distance = distance;
        }
        if (prefixed == NULL && len >= 2 && strncmp(word, names[i], len) == 0) {
            prefixed = names[i];
        }
    }
    return best != NULL && best_distance <= 1 ? best : prefixed != NULL ? prefixed : best;
}

bool nnc_parse_u64(const char *text, uint64_t *out)
{
    uint64_t value = 0;
    if (*text == '\0') {
        return false;
    }
    for (; *text != '\0'; text++) {
        if (*text < '0' || *text > '9' || __builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, (uint64_t)(*text - '0'), &value)) {
            return false;
        }
    }
    *out = value;
    return true;
}

bool nnc_parse_i64(const char *text, int64_t *out)
{
    bool negative = *text == '-';
    uint64_t magnitude;
    if (!nnc_parse_u64(negative ? text + 1 : text, &magnitude)) {
        return false;
    }
    if (magnitude > (uint64_t)INT64_MAX + negative) {
        return false;
    }
    *out = negative ? (int64_t)(0 - magnitude) : (int64_t)magnitude;
    return true;
}

bool nnc_parse_double(const char *text, double *out)
{
    size_t len = strlen(text);
    if (len == 0 || strspn(text, "0123456789.eE+-") != len || text[0] == '+') {
        return false;
    }
    /* strtod itself reads the decimal sign of the process's locale. */
    locale_t c = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    if (c == (locale_t)0) {
        return false;
    }
    char *end;
    double value = strtod_l(text, &end, c);
    freelocale(c);
    if (end != text + len || !isfinite(value)) {
        return false;
    }
    *out = value;
    return true;
}

/* Multiplier of a unit after the number; 0 if it is none. */
static uint64_t size_unit(const char *unit)
{
    static const char letters[] = "KMGT";
    if (unit[0] == '\0' || strcmp(unit, "B") == 0) {
        return 1;
    }
    char letter = unit[0] == 'k' ? 'K' : unit[0];
    const char *at = strchr(letters, letter);
    if (at == NULL) {
        return 0;
    }
    uint64_t base = strcmp(unit + 1, "B") == 0 ? 1000 : 1024;
    if (base == 1024 && unit[1] != '\0' && strcmp(unit + 1, "iB") != 0 &&
        strcmp(unit + 1, "i") != 0) {
        return 0;
    }
    uint64_t unit_bytes = base;
    for (; at > letters; at--) {
        unit_bytes *= base;
    }
    return unit_bytes;
}

bool nnc_parse_size(const char *text, uint64_t *out)
{
    char number[24];
    size_t digits = strspn(text, "0123456789");
    if (digits == 0 || digits >= sizeof number) {
        return false;
    }
    memcpy(number, text, digits);
    number[digits] = '\0';
    uint64_t value;
    uint64_t unit = size_unit(text + digits);
    if (unit == 0 || !nnc_parse_u64(number, &value) ||
        __builtin_mul_overflow(value, unit, &value)) {
        return false;
    }
    *out = value;
    return true;
}

char *nnc_format_size(char *buf, uint64_t bytes)
{
    enum { BUF_BYTES = 32 };
    static const char *const units[] = {"kB", "MB", "GB", "TB", "PB", "EB"};
    if (bytes < 1000) {
        snprintf(buf, BUF_BYTES, "%llu B", (unsigned long long)bytes);
        return buf;
    }
    /* Integer arithmetic: no decimal comma of a locale, no surprise in rounding. */
    uint64_t unit = 1000;
    size_t i = 0;
    while (i < 5 && bytes / unit >= 1000) {
        unit *= 1000;
        i++;
    }
    uint64_t tenths = bytes / unit * 10 + (bytes % unit + unit / 20) / (unit / 10);
    if (tenths >= 10000 && i < 5) {
        tenths = 10;
        i++;
    }
    snprintf(buf, BUF_BYTES, "%llu.%llu %s", (unsigned long long)(tenths / 10),
             (unsigned long long)(tenths % 10), units[i]);
    return buf;
}
