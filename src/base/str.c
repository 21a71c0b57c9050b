/* Growing byte string and printable text. SPDX-License-Identifier: Apache-2.0 */
#include "base/str.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"

void nnc_str_deinit(nnc_str *s)
{
    nnc_free(s->data);
    *s = (nnc_str){0};
}

void nnc_str_clear(nnc_str *s)
{
    s->len = 0;
    if (s->data != NULL) {
        s->data[0] = '\0';
    }
}

/* Room for n more bytes and the NUL. */
static bool reserve(nnc_str *s, size_t n)
{
    size_t need;
    if (s->failed) {
        return false;
    }
    if (!nnc_size_add(&need, s->len, n) || !nnc_size_add(&need, need, 1) ||
        nnc_grow(&s->data, &s->cap, need, 1) != NNC_OK) {
        s->failed = true;
        return false;
    }
    return true;
}

void nnc_str_append(nnc_str *s, const char *text)
{
    nnc_str_append_n(s, text, strlen(text));
}

void nnc_str_append_n(nnc_str *s, const char *bytes, size_t n)
{
    if (!reserve(s, n)) {
        return;
    }
    if (n > 0) {
        memcpy(s->data + s->len, bytes, n);
    }
    s->len += n;
    s->data[s->len] = '\0';
}

void nnc_str_appendf(nnc_str *s, const char *fmt, ...)
{
    va_list args, again;
    va_start(args, fmt);
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    if (len < 0) {
        s->failed = true;
    } else if (reserve(s, (size_t)len)) {
        vsnprintf(s->data + s->len, (size_t)len + 1, fmt, again);
        s->len += (size_t)len;
    }
    va_end(again);
}

nnc_status nnc_str_status(const nnc_str *s)
{
    if (s->failed) {
        NNC_FAIL(NNC_ERR_LIMIT, "out of memory for a text of more than %zu bytes", s->len);
    }
    return NNC_OK;
}

const char *nnc_str_get(const nnc_str *s)
{
    return s->data != NULL ? s->data : "";
}

/* Length of the valid UTF-8 sequence at p (Unicode 15, table 3-7), 0 if there is none. */
static size_t utf8_sequence(const unsigned char *p, size_t n)
{
    if (n == 0 || p[0] == 0) {
        return 0;
    }
    if (p[0] < 0x80) {
        return 1;
    }
    size_t len = p[0] >= 0xF0 ? 4 : p[0] >= 0xE0 ? 3 : 2;
    if (p[0] < 0xC2 || p[0] > 0xF4 || n < len) {
        return 0;
    }
    for (size_t i = 1; i < len; i++) {
        if ((p[i] & 0xC0) != 0x80) {
            return 0;
        }
    }
    bool overlong = (p[0] == 0xE0 && p[1] < 0xA0) || (p[0] == 0xF0 && p[1] < 0x90);
    bool surrogate = p[0] == 0xED && p[1] > 0x9F;
    bool too_large = p[0] == 0xF4 && p[1] > 0x8F;
    return overlong || surrogate || too_large ? 0 : len;
}

bool nnc_utf8_valid(const char *bytes, size_t n)
{
    const unsigned char *p = (const unsigned char *)bytes;
    size_t i = 0;
    while (i < n) {
        size_t len = utf8_sequence(p + i, n - i);
        if (len == 0) {
            return false;
        }
        i += len;
    }
    return true;
}

bool nnc_char_unsafe(uint32_t c)
{
    return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0xad || c == 0x61c ||
           (c >= 0x200b && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) ||
           (c >= 0x2060 && c <= 0x206f) || c == 0xfeff;
}

/* len: of utf8_sequence, 0 where the bytes are no UTF-8. */
static bool is_unsafe_sequence(const unsigned char *p, size_t len)
{
    static const unsigned char lead[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
    if (len == 0) {
        return true;
    }
    uint32_t code = p[0] & lead[len];
    for (size_t i = 1; i < len; i++) {
        code = code << 6 | (p[i] & 0x3fu);
    }
    return nnc_char_unsafe(code);
}

void nnc_str_append_printable(nnc_str *s, const char *text, size_t max)
{
    const unsigned char *p = (const unsigned char *)text;
    size_t n = strlen(text);
    size_t i = 0;
    while (i < n) {
        size_t len = utf8_sequence(p + i, n - i);
        size_t step = len > 0 ? len : 1;
        if (max > 0 && i + step > max) {
            nnc_str_append(s, "...");
            return;
        }
        if (is_unsafe_sequence(p + i, len)) {
            for (size_t k = 0; k < step; k++) {
                nnc_str_appendf(s, "\\x%02x", p[i + k]);
            }
        } else {
            nnc_str_append_n(s, text + i, step);
        }
        i += step;
    }
}

void nnc_escape_control(char *buf, size_t bytes, const char *text)
{
    static const char digits[] = "0123456789abcdef";
    const unsigned char *p = (const unsigned char *)text;
    size_t n = strlen(text);
    size_t used = 0;
    size_t i = 0;
    while (i < n) {
        size_t len = utf8_sequence(p + i, n - i);
        size_t step = len > 0 ? len : 1;
        bool control = is_unsafe_sequence(p + i, len);
        if (used + (control ? 4 * step : step) >= bytes) {
            break;
        }
        for (size_t k = i; control && k < i + step; k++) {
            buf[used++] = '\\';
            buf[used++] = 'x';
            buf[used++] = digits[p[k] >> 4];
            buf[used++] = digits[p[k] & 15];
        }
        if (!control) {
            memcpy(buf + used, p + i, step);
            used += step;
        }
        i += step;
    }
    buf[used] = '\0';
}
