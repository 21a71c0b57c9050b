/* The bytes of a recipe, before YAML sees them. SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/str.h"
#include "pipeline/recipe_tree.h"

/* Characters in front of `at` in its line, plus one. */
static uint32_t column_of(const char *line, size_t at)
{
    uint32_t column = 1;
    for (size_t i = 0; i < at; i++) {
        column += ((unsigned char)line[i] & 0xC0) != 0x80;
    }
    return column;
}

/* Characters that a text editor does not show and YAML does not take: C1 controls, U+2028, U+2029, U+FFFE, U+FFFF. */
static bool is_invisible(const char *s, size_t n)
{
    const unsigned char *c = (const unsigned char *)s;
    return (n == 2 && c[0] == 0xC2 && c[1] < 0xA0) || (n == 3 && c[0] == 0xE2 && c[1] == 0x80 && (c[2] & 0xFE) == 0xA8) ||
           (n == 3 && c[0] == 0xEF && c[1] == 0xBB && c[2] == 0xBF) || (n == 3 && c[0] == 0xEF && c[1] == 0xBF && c[2] >= 0xBE);
}

/* Bytes of the valid character at s [n], 0 if there is none. */
static size_t character(const char *s, size_t n)
{
    for (size_t k = 1; k <= 4 && k <= n; k++) {
        if (nnc_utf8_valid(s, k)) {
            return k;
        }
    }
    return 0;
}

static nnc_status check_line(const char *name, uint32_t number, const char *line, size_t n)
{
    bool indent = true;
    for (size_t i = 0; i < n;) {
        unsigned char c = (unsigned char)line[i];
        if (c == 0) {
            NNC_FAIL(NNC_ERR_USAGE, "%s:%u:%u: a NUL byte; a recipe is text", name, number, column_of(line, i));
        }
        size_t length = character(line + i, n - i);
        if (length == 0) {
            NNC_FAIL(NNC_ERR_USAGE, "%s:%u:%u: byte 0x%02x is not UTF-8", name, number, column_of(line, i), c);
        }
        if (c == '\t' && indent) {
            NNC_FAIL(NNC_ERR_USAGE, "%s:%u:%u: a tab in front of text; indent with spaces", name, number,
                     column_of(line, i));
        }
        if ((c < 32 && c != '\t' && !(c == '\r' && i + 1 == n)) || c == 127) {
            NNC_FAIL(NNC_ERR_USAGE, "%s:%u:%u: control character 0x%02x", name, number, column_of(line, i), c);
        }
        if (is_invisible(line + i, length)) {
            NNC_FAIL(NNC_ERR_USAGE, "%s:%u:%u: an invisible character", name, number, column_of(line, i));
        }
        indent = indent && c == ' ';
        i += length;
    }
    return NNC_OK;
}

nnc_status nnc_recipe_check_bytes(const char *name, const char *text, size_t bytes)
{
    if (bytes > NNC_RECIPE_BYTES_MAX) {
        NNC_FAIL(NNC_ERR_USAGE, "%s:1:1: %zu bytes, a recipe has at most %zu", name, bytes, NNC_RECIPE_BYTES_MAX);
    }
    if (bytes >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) {
        NNC_FAIL(NNC_ERR_USAGE, "%s:1:1: starts with a byte order mark; save it as plain UTF-8", name);
    }
    if (bytes >= 2 && (memcmp(text, "\xff\xfe", 2) == 0 || memcmp(text, "\xfe\xff", 2) == 0)) {
        NNC_FAIL(NNC_ERR_USAGE, "%s:1:1: is UTF-16; save it as UTF-8", name);
    }
    uint32_t number = 1;
    for (size_t at = 0; at < bytes; number++) {
        const char *end = memchr(text + at, '\n', bytes - at);
        size_t n = end ? (size_t)(end - text) - at : bytes - at;
        NNC_TRY(check_line(name, number, text + at, n));
        at += n + 1;
    }
    return NNC_OK;
}

bool nnc_recipe_can_hold(const char *text)
{
    for (size_t n = strlen(text), i = 0; i < n;) {
        size_t length = character(text + i, n - i);
        unsigned char c = (unsigned char)text[i];
        if (length == 0 || c < 32 || c == 127 || is_invisible(text + i, length)) {
            return false;
        }
        i += length;
    }
    return true;
}
