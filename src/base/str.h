/* Growing byte string, and text helpers. SPDX-License-Identifier: Apache-2.0 */
#ifndef NNC_BASE_STR_H
#define NNC_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* Zero-initialise; `data` is NULL or NUL-terminated. Appending never fails half-way: after an allocation
 * failure `failed` stays true, further appends do nothing and nnc_str_status reports it. */
typedef struct nnc_str {
    char *data;
    size_t len;
    size_t cap;
    bool failed;
} nnc_str;

void nnc_str_deinit(nnc_str *s);
void nnc_str_clear(nnc_str *s);
void nnc_str_append(nnc_str *s, const char *text);
void nnc_str_append_n(nnc_str *s, const char *bytes, size_t n);
void nnc_str_appendf(nnc_str *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* NNC_OK or NNC_ERR_LIMIT. */
nnc_status nnc_str_status(const nnc_str *s);
/* Never NULL. */
const char *nnc_str_get(const nnc_str *s);

/* Characters that move the cursor, turn the writing direction or cannot be seen. */
bool nnc_char_unsafe(uint32_t code);

/* Appends `text` with unsafe characters and invalid UTF-8 shown as \xNN, at most `max` bytes of it
 * (0 = all; a cut ends in "..."). Safe for terminals and logs. */
void nnc_str_append_printable(nnc_str *s, const char *text, size_t max);

/* Copies `text` into buf[bytes] (bytes > 0), unsafe characters and invalid UTF-8 shown as \xNN, cut where the buffer ends
 * (never inside an escape or a UTF-8 sequence). */
void nnc_escape_control(char *buf, size_t bytes, const char *text);

/* True if the n bytes are valid UTF-8 without NUL. */
bool nnc_utf8_valid(const char *bytes, size_t n);
/* Shell-style pattern: * is any text, ? one (UTF-8) character; the whole text must match. At most
 * |pattern| * |text| steps. */
bool nnc_glob_match(const char *pattern, const char *text);
/* Damerau-Levenshtein distance (adjacent swaps count once), for "did you mean". Words above 255 bytes are only
 * compared for equality: 0, or the longer length. */
size_t nnc_edit_distance(const char *a, const char *b);
/* The element of `names` (n) nearest to `word`, or NULL if none is near enough to suggest. */
const char *nnc_nearest(const char *word, const char *const *names, size_t n);
/* Strict numbers: the whole string, no sign for unsigned, no spaces, locale-free. */
bool nnc_parse_u64(const char *text, uint64_t *out);
bool nnc_parse_i64(const char *text, int64_t *out);
bool nnc_parse_double(const char *text, double *out); /* finite only */
/* "512", "64M", "64MiB", "64MB" -> bytes. K M G T and KiB ... are powers of 1024, kB MB GB TB of 1000. */
bool nnc_parse_size(const char *text, uint64_t *out);
/* bytes -> "25.1 MB" (decimal units). buf must hold 32 bytes; returns buf. */
char *nnc_format_size(char *buf, uint64_t bytes);

#endif
