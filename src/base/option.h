/* Option tables: one row per option feeds parser, validation, --help, completion and (later) recipes.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef NNC_BASE_OPTION_H
#define NNC_BASE_OPTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

typedef enum nnc_option_type {
    NNC_OPTION_FLAG,    /* bool; --name / --no-name */
    NNC_OPTION_INT,     /* int64_t, min..max */
    NNC_OPTION_DOUBLE,  /* double, min..max */
    NNC_OPTION_PERCENT, /* double, "1%" -> 0.01 or "0.01"; min..max as fractions */
    NNC_OPTION_SIZE,    /* uint64_t, "64M" */
    NNC_OPTION_STRING,  /* const char * (points into argv) */
    NNC_OPTION_ENUM,    /* int, index into choices */
    NNC_OPTION_LIST     /* nnc_option_list: repeated or comma separated strings */
} nnc_option_type;

typedef struct nnc_option_list {
    const char **items; /* copies; grown by nnc_option_parse, released by nnc_option_list_deinit */
    size_t count;
} nnc_option_list;

typedef struct nnc_option {
    const char *name;    /* "calib", without dashes */
    char shorthand;      /* 'o' or 0 */
    nnc_option_type type;
    size_t offset;       /* of the field in the options struct */
    const char *metavar; /* "PATH" */
    const char *help;    /* one line, with the default */
    const char *group;   /* heading in --help */
    double min, max;     /* numbers only, inclusive; equal = no bounds */
    const char *const *choices; /* ENUM: NULL-terminated */
} nnc_option;

/* Parses one option with an explicit value (value == NULL only for flags, which also take "true" and
 * "false"). `negated`: came as --no-name. Fails: NNC_ERR_USAGE, NNC_ERR_LIMIT. */
nnc_status nnc_option_apply(const nnc_option *option, void *options, const char *value, bool negated);

/* Parses argv[0..argc): options anywhere, "--name value", "--name=value", "-o value", "--" ends options.
 * Unknown options fail with a suggestion (NNC_ERR_USAGE). Positional arguments are collected in order into
 * *positional; "-" alone is one. A single value is overwritten by a later one. `seen` (may be NULL, one bool per row) records what was given. */
nnc_status nnc_option_parse(const nnc_option *table, size_t n, void *options, int argc,
                            char *const *argv, nnc_option_list *positional, bool *seen);
void nnc_option_list_deinit(nnc_option_list *list);
/* Appends a copy of the n bytes of `text`, commas included. Fails: NNC_ERR_LIMIT. */
nnc_status nnc_option_list_add(nnc_option_list *list, const char *text, size_t n);
/* Rows before the one without a name. */
size_t nnc_option_count(const nnc_option *table);
/* Finds a row by name; NULL if absent. */
const nnc_option *nnc_option_find(const nnc_option *table, size_t n, const char *name);

#endif
