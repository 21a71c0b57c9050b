/* Lines of a small text file: BOM, CRLF and surrounding blanks removed. SPDX-License-Identifier:
 * Apache-2.0 */
#ifndef NNC_DATASETS_TEXT_H
#define NNC_DATASETS_TEXT_H

#include "base/file.h"

#define NNC_TEXT_LINE_MAX 4096

typedef struct nnc_text {
    nnc_file_map map;
    const char *path;
    size_t at;
    size_t line;                  /* number of the current line, from 1 */
    char text[NNC_TEXT_LINE_MAX]; /* the current line */
} nnc_text;

/* `path` must stay valid. Fails: NNC_ERR_IO, NNC_ERR_LIMIT (over 256 MiB). */
nnc_status nnc_text_open(nnc_text *out, const char *path);
void nnc_text_close(nnc_text *text);
/* Next line that is not empty; *more = false at the end. Fails: NNC_ERR_DATA (too long, NUL byte).
 */
nnc_status nnc_text_next(nnc_text *text, bool *more);
/* Splits "name label", "name,label" or "name<TAB>label" at the last separator, in place; quotes
 * around either part go. Without a separator *name is NULL and *value the whole line. */
void nnc_text_split(char *line, char **name, char **value);

#endif
