/* Verbs of the command line: one file each, one line in verbs.def. SPDX-License-Identifier: Apache-2.0 */
#ifndef NNC_CLI_VERB_H
#define NNC_CLI_VERB_H

#include "base/log.h"
#include "base/option.h"

/* What every verb gets: where messages go, and the words that followed the verb. */
typedef struct nnc_cli {
    const nnc_log *log;
    int argc; /* without program name and verb */
    char **argv;
    const char *command; /* the exact command line, shell-quoted */
    bool color, unicode; /* standard output may have them */
    size_t columns;      /* of the terminal behind standard output; 0: none */
} nnc_cli;

typedef struct nnc_verb {
    const char *name;
    const char *summary;  /* one line */
    const char *usage;    /* "inspect MODEL [options]" */
    const char *examples; /* lines, each one command */
    const nnc_option *options; /* ended by a row without name */
    nnc_status (*run)(const nnc_cli *cli);
    bool hidden; /* for the build, not for people: in no list */
} nnc_verb;

#define VERB(name) extern const nnc_verb nnc_verb_##name;
#include "cli/verbs.def"
#undef VERB

const nnc_verb *nnc_verb_find(const char *name); /* NULL if unknown */
const nnc_verb *nnc_verb_row(size_t i);          /* NULL past the end */

/* Full help of a verb to standard output. */
void nnc_help_verb(const nnc_verb *verb);
/* The ten lines that `nncompress` alone prints. */
void nnc_help_short(void);
void nnc_help_all(void);

/* Text to standard output, checked: NNC_ERR_IO when it cannot be written (full device). A closed pipe is quiet. */
nnc_status nnc_out(const char *text);
nnc_status nnc_outf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
nnc_status nnc_out_flush(void);

#endif
