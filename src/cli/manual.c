/* Markdown reference and the facts that all forms of the manual share. SPDX-License-Identifier: Apache-2.0 */
#include "cli/manual.h"

#include <string.h>

#include "calib/calib.h"
#include "cli/limits.h"
#include "datasets/dataset.h"
#include "graph/target.h"

const nnc_manual_row nnc_manual_exits[] = {
    {"0", "done"},
    {"1", "ran correctly, but a gate or comparison failed"},
    {"2", "wrong arguments, options or recipe"},
    {"3", "the model file is invalid or corrupt"},
    {"4", "the model is valid but needs something this build lacks"},
    {"5", "calibration or evaluation data is invalid or insufficient"},
    {"6", "file system: not found, permission, exists, no space"},
    {"7", "out of memory, or over a limit"},
    {"8", "device, driver or accelerator runtime"},
    {"9", "the own output failed its verification; nothing was published"},
    {"70", "a bug in nncompress"},
    {"128+n", "ended by signal n (130: interrupted)"},
    {NULL, NULL},
};

const nnc_manual_row nnc_manual_environment[] = {
    {"NNRT_MAX_ISA", "strongest kernels to use: ref, avx2, avxvnni or avx512vnni"},
    {"NNRT_CUDA_PLUGIN", "path of the CUDA plug-in, instead of the installed one"},
    {"NO_COLOR", "not empty: no colours"},
    {"CLICOLOR_FORCE", "not empty and not 0: colours even when the output is no terminal"},
    {"LC_ALL, LC_CTYPE, LANG", "a UTF-8 locale allows characters beyond ASCII in tables"},
    {NULL, NULL},
};

static const char *const type_names[] = {"flag", "int", "double", "percent", "size", "string", "enum", "list"};

static const char *preset_word(size_t i)
{
    return i < nnc_preset_count() ? nnc_preset_name(i) : NULL;
}

static const char *target_word(size_t i)
{
    return nnc_target_row(i) ? nnc_target_row(i)->name : NULL;
}

static const char *method_word(size_t i)
{
    return i == 0 ? "auto" : nnc_calibrator_row(i - 1) ? nnc_calibrator_row(i - 1)->name : NULL;
}

/* Options whose words stand in a table of their own; option NULL: every one with this metavar. */
static const struct {
    const char *metavar, *option;
    const char *(*row)(size_t i); /* NULL past the end */
} word_lists[] = {{"PRESET", NULL, preset_word}, {"NAME", "target", target_word}, {"NAME", "method", method_word}};

nnc_word_kind nnc_option_words(const nnc_option *o, nnc_str *words)
{
    if (o->type == NNC_OPTION_FLAG) {
        return NNC_WORD_NONE;
    }
    if (o->type == NNC_OPTION_ENUM) {
        for (size_t i = 0; words && o->choices[i]; i++) {
            nnc_str_appendf(words, "%s%s", i ? " " : "", o->choices[i]);
        }
        return NNC_WORD_WORDS;
    }
    const char *meta = o->metavar ? o->metavar : "";
    for (size_t i = 0; i < sizeof(word_lists) / sizeof(word_lists[0]); i++) {
        if (strcmp(meta, word_lists[i].metavar) != 0 || (word_lists[i].option && strcmp(o->name, word_lists[i].option) != 0)) {
            continue;
        }
        const char *word;
        for (size_t k = 0; words && (word = word_lists[i].row(k)); k++) {
            nnc_str_appendf(words, "%s%s", k ? " " : "", word);
        }
        return NNC_WORD_WORDS;
    }
    if (strcmp(meta, "DIR") == 0) {
        return NNC_WORD_DIR;
    }
    bool file = strstr(meta, "FILE") || strstr(meta, "PATH") || strstr(meta, "MODEL") || strstr(meta, "JSON");
    return file ? NNC_WORD_FILE : NNC_WORD_FREE;
}

void nnc_manual_tables(nnc_str *out)
{
    for (size_t i = 0; nnc_verb_row(i); i++) {
        const nnc_verb *verb = nnc_verb_row(i);
        for (size_t k = 0; !verb->hidden && verb->options[k].name; k++) {
            const nnc_option *o = &verb->options[k];
            nnc_str_appendf(out, "%s\t%s\t%c\t%s\t%s\t", verb->name, o->name, o->shorthand ? o->shorthand : '-',
                            type_names[o->type], o->metavar ? o->metavar : "-");
            for (size_t c = 0; o->type == NNC_OPTION_ENUM && o->choices[c]; c++) {
                nnc_str_appendf(out, "%s%s", c ? "," : "", o->choices[c]);
            }
            nnc_str_append(out, "\n");
        }
    }
}

/* Text in a table cell. */
static void cell(nnc_str *out, const char *text)
{
    for (const char *c = text; *c; c++) {
        if (strchr("|*_<>`\\", *c)) {
            nnc_str_append(out, "\\");
        }
        nnc_str_append_n(out, c, 1);
    }
}

static void option_row(nnc_str *out, const nnc_option *o)
{
    nnc_str_append(out, "| `");
    if (o->shorthand) {
        nnc_str_appendf(out, "-%c`, `", o->shorthand);
    }
    nnc_str_appendf(out, "--%s", o->name);
    if (o->metavar) {
        nnc_str_appendf(out, " %s", o->metavar);
    }
    nnc_str_append(out, "` | ");
    cell(out, o->help);
    nnc_str_append(out, " |\n");
}

static void verb_section(nnc_str *out, const nnc_verb *verb)
{
    nnc_str_appendf(out, "\n## nncompress %s\n\n%s\n\n```\nnncompress %s\n```\n", verb->name, verb->summary,
                    verb->usage);
    if (verb->examples) {
        nnc_str_appendf(out, "\nExamples:\n\n```\n%s```\n", verb->examples);
    }
    const char *group = "";
    for (size_t i = 0; verb->options[i].name; i++) {
        const nnc_option *o = &verb->options[i];
        if (strcmp(group, o->group) != 0) {
            group = o->group;
            nnc_str_appendf(out, "\n| %s | |\n|---|---|\n", group);
        }
        option_row(out, o);
    }
}

static void rows(nnc_str *out, const char *title, const char *heading, const nnc_manual_row *row)
{
    nnc_str_appendf(out, "\n## %s\n\n| %s | |\n|---|---|\n", title, heading);
    for (; row->name; row++) {
        nnc_str_appendf(out, "| `%s` | ", row->name);
        cell(out, row->text);
        nnc_str_append(out, " |\n");
    }
}

static void limits_section(nnc_str *out)
{
    nnc_str_append(out, "\n## Limits\n\n| of | limit | value | raised by |\n|---|---|---|---|\n");
    for (size_t i = 0; nnc_limit_row(i); i++) {
        const nnc_limit *limit = nnc_limit_row(i);
        char value[32];
        nnc_str_append(out, "| ");
        cell(out, limit->subject);
        nnc_str_append(out, " | ");
        cell(out, limit->what);
        nnc_str_appendf(out, " | %s | ", nnc_limit_format(value, limit));
        if (limit->option) {
            nnc_str_appendf(out, "`--%s`", limit->option);
        }
        nnc_str_append(out, " |\n");
    }
}

void nnc_manual_markdown(nnc_str *out)
{
    nnc_str_append(out, "# Reference of the command line\n\nMade from the tables of the tool by `nncompress manual "
                        "markdown`; a test holds it equal to them.\n\n`nncompress [VERB] [FILES] [OPTIONS]`: without a "
                        "verb, `compress`. Options may stand anywhere, as `--name value`, `--name=value` or `-o "
                        "value`; flags are negated by `--no-name`; lists are repeated or separated by commas; `--` "
                        "ends the options. Sizes are written as `64M`, shares as `1%` or `0.01`.\n\n| verb | |\n"
                        "|---|---|\n");
    for (size_t i = 0; nnc_verb_row(i); i++) {
        const nnc_verb *verb = nnc_verb_row(i);
        if (!verb->hidden) {
            nnc_str_appendf(out, "| [`%s`](#nncompress-%s) | ", verb->name, verb->name);
            cell(out, verb->summary);
            nnc_str_append(out, " |\n");
        }
    }
    for (size_t i = 0; nnc_verb_row(i); i++) {
        if (!nnc_verb_row(i)->hidden) {
            verb_section(out, nnc_verb_row(i));
        }
    }
    rows(out, "Exit codes", "code", nnc_manual_exits);
    rows(out, "Environment", "variable", nnc_manual_environment);
    limits_section(out);
}
