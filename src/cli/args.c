/* @FILE arguments. SPDX-License-Identifier: Apache-2.0 */
#include "cli/args.h"

#include <string.h>

#include "base/file.h"
#include "base/str.h"

#define DEPTH_MAX 4
#define BYTES_MAX ((uint64_t)1 << 20)
#define WORDS_MAX 100000

typedef struct expander {
    nnc_option_list *out;
    bool ended; /* "--" was seen */
} expander;

/* A file being read. */
typedef struct source {
    const char *path, *at, *end;
    unsigned line, depth;
} source;

static nnc_status add_file(expander *e, const char *path, unsigned depth, const char *from, unsigned line);

static nnc_status add_word(expander *e, const char *word, size_t n, const source *s)
{
    if (!e->ended && word[0] == '@' && n > 1) {
        return add_file(e, word + 1, s ? s->depth + 1 : 1, s ? s->path : NULL, s ? s->line : 0);
    }
    if (e->out->count == WORDS_MAX) {
        NNC_FAIL(NNC_ERR_USAGE, "more than %d arguments", WORDS_MAX);
    }
    e->ended = e->ended || strcmp(word, "--") == 0;
    return nnc_option_list_add(e->out, word, n);
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static void skip_space(source *s)
{
    while (s->at < s->end && (is_space(*s->at) || *s->at == '#')) {
        if (*s->at == '#') {
            while (s->at < s->end && *s->at != '\n') {
                s->at++;
            }
        } else {
            s->line += *s->at++ == '\n';
        }
    }
}

/* Text in quotes, without them. */
static nnc_status take_quoted(nnc_str *word, source *s)
{
    char quote = *s->at++;
    for (; s->at < s->end && *s->at != quote; s->at++) {
        if (*s->at == '\n') {
            break;
        }
        if (quote == '"' && *s->at == '\\' && s->at + 1 < s->end && (s->at[1] == '"' || s->at[1] == '\\')) {
            s->at++;
        }
        nnc_str_append_n(word, s->at, 1);
    }
    if (s->at == s->end || *s->at != quote) {
        NNC_FAIL(NNC_ERR_USAGE, "%s:%u: a quote (%c) is not closed on its line", s->path, s->line, quote);
    }
    s->at++;
    return NNC_OK;
}

static nnc_status take_word(nnc_str *word, source *s)
{
    nnc_str_clear(word);
    nnc_str_append(word, "");
    while (s->at < s->end && !is_space(*s->at)) {
        if (*s->at == '\'' || *s->at == '"') {
            NNC_TRY(take_quoted(word, s));
        } else if (*s->at == 0) {
            NNC_FAIL(NNC_ERR_USAGE, "%s:%u: a NUL byte; arguments are text", s->path, s->line);
        } else {
            nnc_str_append_n(word, s->at++, 1);
        }
    }
    return nnc_str_status(word);
}

static nnc_status add_words(expander *e, source *s)
{
    nnc_str word = {0};
    nnc_status status = NNC_OK;
    for (skip_space(s); status == NNC_OK && s->at < s->end; skip_space(s)) {
        status = take_word(&word, s);
        status = status == NNC_OK ? add_word(e, nnc_str_get(&word), word.len, s) : status;
    }
    nnc_str_deinit(&word);
    return status;
}

static nnc_status add_file(expander *e, const char *path, unsigned depth, const char *from, unsigned line)
{
    nnc_file_map map;
    if (depth > DEPTH_MAX) {
        NNC_FAIL(NNC_ERR_USAGE, "%s:%u: @%s: files of arguments are nested deeper than %d", from, line, path, DEPTH_MAX);
    }
    nnc_status status = nnc_file_map_open(&map, path, BYTES_MAX);
    if (status != NNC_OK) {
        return from ? nnc_error_prepend(status, "%s:%u", from, line) : nnc_error_prepend(status, "@%s", path);
    }
    source s = {path, (const char *)map.data, (const char *)map.data + map.bytes, 1, depth};
    status = add_words(e, &s);
    nnc_file_map_close(&map);
    return status;
}

nnc_status nnc_args_expand(nnc_option_list *out, int argc, char *const *argv)
{
    expander e = {.out = out};
    for (int i = 0; i < argc; i++) {
        NNC_TRY(i ? add_word(&e, argv[i], strlen(argv[i]), NULL) : nnc_option_list_add(out, argv[0], strlen(argv[0])));
    }
    return NNC_OK;
}
