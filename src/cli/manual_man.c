/* Manual pages in roff. SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <string.h>

#include "cli/manual.h"

/* Text of a line: backslashes and hyphens as they are, no request by accident. */
static void text(nnc_str *out, const char *s)
{
    bool start = true;
    for (const char *c = s; *c; c++) {
        if (start && (*c == '.' || *c == '\'')) {
            nnc_str_append(out, "\\&");
        }
        if (*c == '\\') {
            nnc_str_append(out, "\\e");
        } else if (*c == '-') {
            nnc_str_append(out, "\\-");
        } else {
            nnc_str_append_n(out, c, 1);
        }
        start = *c == '\n';
    }
}

static void line(nnc_str *out, const char *request, const char *s)
{
    nnc_str_append(out, request);
    text(out, s);
    nnc_str_append(out, "\n");
}

static void upper(nnc_str *out, const char *s)
{
    for (; *s; s++) {
        char c = (char)toupper((unsigned char)*s);
        nnc_str_append_n(out, &c, 1);
    }
}

static void heading(nnc_str *out, const nnc_verb *verb)
{
    nnc_str_append(out, ".\\\" Made by nncompress manual. SPDX-License-Identifier: Apache-2.0\n.TH NNCOMPRESS");
    if (verb) {
        nnc_str_append(out, "\\-");
        upper(out, verb->name);
    }
    nnc_str_append(out, " 1 \"\" \"nncompress " NNC_VERSION "\" \"User Commands\"\n.nh\n.ad l\n.SH NAME\nnncompress");
    nnc_str_appendf(out, "%s%s \\- ", verb ? "\\-" : "", verb ? verb->name : "");
    line(out, "", verb ? verb->summary : "makes an ONNX model smaller and faster, and proves what that cost");
}

static void options(nnc_str *out, const nnc_verb *verb)
{
    const char *group = "";
    nnc_str_append(out, ".SH OPTIONS\n");
    for (size_t i = 0; verb->options[i].name; i++) {
        const nnc_option *o = &verb->options[i];
        if (strcmp(group, o->group) != 0) {
            group = o->group;
            line(out, ".SS ", group);
        }
        nnc_str_append(out, ".TP\n");
        if (o->shorthand) {
            nnc_str_appendf(out, "\\fB\\-%c\\fR, ", o->shorthand);
        }
        nnc_str_append(out, "\\fB");
        text(out, "--");
        text(out, o->name);
        nnc_str_append(out, "\\fR");
        if (o->metavar) {
            nnc_str_append(out, " \\fI");
            text(out, o->metavar);
            nnc_str_append(out, "\\fR");
        }
        nnc_str_append(out, "\n");
        line(out, "", o->help);
    }
}

static void rows(nnc_str *out, const char *title, const nnc_manual_row *row)
{
    nnc_str_appendf(out, ".SH %s\n", title);
    for (; row->name; row++) {
        line(out, ".TP\n.B ", row->name);
        line(out, "", row->text);
    }
}

static void main_page(nnc_str *out)
{
    nnc_str_append(out, ".SH SYNOPSIS\n.B nncompress\n[\\fIVERB\\fR] [\\fIFILES\\fR] [\\fIOPTIONS\\fR]\n"
                        ".SH DESCRIPTION\nWithout a verb, \\fBcompress\\fR. Options may stand anywhere, as "
                        "\\fB\\-\\-name value\\fR, \\fB\\-\\-name=value\\fR or \\fB\\-o value\\fR; flags are negated "
                        "by \\fB\\-\\-no\\-name\\fR; lists are repeated or separated by commas; \\fB\\-\\-\\fR ends "
                        "the options.\n.SH VERBS\n");
    for (size_t i = 0; nnc_verb_row(i); i++) {
        const nnc_verb *verb = nnc_verb_row(i);
        if (!verb->hidden) {
            nnc_str_appendf(out, ".TP\n.BR nncompress\\-%s (1)\n", verb->name);
            line(out, "", verb->summary);
        }
    }
}

static void see_also(nnc_str *out, const nnc_verb *verb)
{
    const char *comma = "";
    nnc_str_append(out, ".SH SEE ALSO\n");
    if (verb) {
        nnc_str_append(out, ".BR nncompress (1)");
        comma = ",\n";
    }
    for (size_t i = 0; nnc_verb_row(i); i++) {
        if (nnc_verb_row(i) != verb && !nnc_verb_row(i)->hidden) {
            nnc_str_appendf(out, "%s.BR nncompress\\-%s (1)", comma, nnc_verb_row(i)->name);
            comma = ",\n";
        }
    }
    nnc_str_append(out, "\n");
}

void nnc_manual_man(nnc_str *out, const nnc_verb *verb)
{
    heading(out, verb);
    if (verb) {
        line(out, ".SH SYNOPSIS\n.B nncompress\n", verb->usage);
        options(out, verb);
        if (verb->examples) {
            nnc_str_append(out, ".SH EXAMPLES\n.nf\n");
            text(out, verb->examples);
            nnc_str_append(out, ".fi\n");
        }
    } else {
        main_page(out);
        rows(out, "ENVIRONMENT", nnc_manual_environment);
    }
    rows(out, "EXIT STATUS", nnc_manual_exits);
    see_also(out, verb);
}
