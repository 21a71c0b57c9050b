/* Manual pages, Markdown reference and shell completions, made from the verb and option tables. SPDX-License-Identifier: Apache-2.0 */
#ifndef NNC_CLI_MANUAL_H
#define NNC_CLI_MANUAL_H

#include "base/str.h"
#include "cli/verb.h"

/* All verbs, options, limits, exit codes and environment variables as Markdown (docs/reference.md). */
void nnc_manual_markdown(nnc_str *out);
/* nncompress.1 (verb NULL) or nncompress-VERB.1, roff. */
void nnc_manual_man(nnc_str *out, const nnc_verb *verb);
/* The tables themselves, for tests: "verb<TAB>option<TAB>shorthand<TAB>type<TAB>metavar<TAB>choices" per line. */
void nnc_manual_tables(nnc_str *out);
/* shell: "bash", "zsh" or "fish". False for others. */
bool nnc_completion(nnc_str *out, const char *shell);

/* What a value of the option is, for completions. */
typedef enum nnc_word_kind { NNC_WORD_NONE, NNC_WORD_FREE, NNC_WORD_FILE, NNC_WORD_DIR, NNC_WORD_WORDS } nnc_word_kind;
/* words: separated by blanks where the kind is WORDS; may be NULL. */
nnc_word_kind nnc_option_words(const nnc_option *option, nnc_str *words);

typedef struct nnc_manual_row {
    const char *name, *text;
} nnc_manual_row;
/* Environment variables that are read; ended by a row without name. */
extern const nnc_manual_row nnc_manual_environment[];
/* Exit codes; `name` is the number. */
extern const nnc_manual_row nnc_manual_exits[];

#endif
