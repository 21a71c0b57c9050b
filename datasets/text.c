/* Lines of text files. SPDX-License-Identifier: Apache-2.0 */
#include "datasets/limits.h"
#include "datasets/text.h"

#include <string.h>


nnc_status nnc_text_open(nnc_text *out, const char *path)
{
    memset(out, 0, sizeof(*out));
    out->path = path;
    NNC_TRY(nnc_file_map_open(&out->map, path, NNC_TEXT_FILE_MAX));
    if (out->map.bytes >= 3 && memcmp(out->map.data, "\xef\xbb\xbf", 3) == 0)
        out->at = 3;
    return NNC_OK;
}

void nnc_text_close(nnc_text *text)
{
    nnc_file_map_close(&text->map);
}

static bool blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

nnc_status nnc_text_next(nnc_text *t, bool *more)
{
    while (t->at < t->map.bytes) {
        const char *from = (const char *)t->map.data + t->at;
        const size_t left = t->map.bytes - t->at;
        const char *end = memchr(from, '\n', left);
        size_t n = end ? (size_t)(end - from) : left;
        t->at += n + (end != NULL);
        t->line++;
        while (n > 0 && blank(from[n - 1]))
            n--;
        while (n > 0 && blank(*from)) {
            from++;
            n--;
        }
        if (n == 0)
            continue;
        if (n >= sizeof(t->text))
            NNC_FAIL(NNC_ERR_DATA, "%s:%zu: line of %zu bytes, the limit is %d", t->path, t->line,
                     n, NNC_TEXT_LINE_MAX - 1);
        if (memchr(from, '\0', n))
            NNC_FAIL(NNC_ERR_DATA, "%s:%zu: NUL byte, this is no text file", t->path, t->line);
        memcpy(t->text, from, n);
        t->text[n] = '\0';
        *more = true;
        return NNC_OK;
    }
    *more = false;
    return NNC_OK;
}

static char *unquote(char *s)
{
    while (blank(*s))
        s++;
    size_t n = strlen(s);
    while (n > 0 && blank(s[n - 1]))
        s[--n] = '\0';
    if (n >= 2 && s[0] == '"' && s[n - 1] == '"') {
        s[n - 1] = '\0';
        s++;
    }
    return s;
}

void nnc_text_split(char *line, char **name, char **value)
{
    char *cut = strrchr(line, ',');
    if (!cut)
        cut = strrchr(line, '\t');
    if (!cut)
        cut = strrchr(line, ' ');
    *name = NULL;
    *value = line;
    if (cut) {
        *cut = '\0';
        *name = unquote(line);
        *value = cut + 1;
    }
    *value = unquote(*value);
}
