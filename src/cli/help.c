/* Help texts, generated from the verb and option tables. SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "cli/verb.h"

static const nnc_verb *const verbs[] = {
#define VERB(name) &nnc_verb_##name,
#include "cli/verbs.def"
#undef VERB
};

const nnc_verb *nnc_verb_row(size_t i)
{
    return i < sizeof(verbs) / sizeof(verbs[0]) ? verbs[i] : NULL;
}

const nnc_verb *nnc_verb_find(const char *name)
{
    for (size_t i = 0; nnc_verb_row(i); i++) {
        if (strcmp(verbs[i]->name, name) == 0) {
            return verbs[i];
        }
    }
    return NULL;
}

/* Prints help wrapped so that lines stay within 80 columns. */
static void print_wrapped(const char *text, int indent)
{
    int column = 28; /* where texts start at the latest */
    while (*text) {
        size_t word = strcspn(text, " ");
        if (column + (int)word > 79 && column > indent) {
            printf("\n%*s", indent, "");
            column = indent;
        }
        printf("%.*s", (int)word, text);
        column += (int)word;
        text += word;
        if (*text == ' ') {
            text++;
            if (column + 1 + (int)strcspn(text, " ") <= 79) {
                putchar(' ');
            }
            column++;
        }
    }
    putchar('\n');
}

static void print_option(const nnc_option *o)
{
    char left[64];
    int n = o->shorthand ? snprintf(left, sizeof(left), "  -%c, --%s", o->shorthand, o->name)
                         : snprintf(left, sizeof(left), "      --%s", o->name);
    if (o->metavar && n > 0 && (size_t)n < sizeof(left)) {
        snprintf(left + n, sizeof(left) - (size_t)n, " %s", o->metavar);
    }
    if (strlen(left) > 27) {
        printf("%s\n%28s", left, "");
    } else {
        printf("%-28s", left);
    }
    print_wrapped(o->help, 28);
}

void nnc_help_verb(const nnc_verb *verb)
{
    printf("nncompress %s - ", verb->name);
    print_wrapped(verb->summary, 11);
    printf("\nusage: nncompress ");
    print_wrapped(verb->usage, 7);
    if (verb->examples) {
        printf("\nexamples:\n%s", verb->examples);
    }
    const char *group = "";
    for (size_t i = 0; verb->options[i].name; i++) {
        const nnc_option *o = &verb->options[i];
        if (strcmp(group, o->group) != 0) {
            group = o->group;
            printf("\n%s:\n", group);
        }
        print_option(o);
    }
}

void nnc_help_short(void)
{
    printf("nncompress makes an ONNX model smaller and faster, and proves what that cost.\n\n"
           "usage: nncompress [VERB] MODEL.onnx [options]\n\n"
           "  nncompress model.onnx --int8 --calib images/ --preprocess imagenet-torch\n"
           "  nncompress inspect model.onnx\n\n"
           "See 'nncompress --help' for all verbs, 'nncompress VERB --help' for options.\n");
}

void nnc_help_all(void)
{
    printf("nncompress makes an ONNX model smaller and faster, and proves what that cost.\n\n"
           "usage: nncompress [VERB] MODEL.onnx [options]\n\nverbs:\n");
    for (size_t i = 0; nnc_verb_row(i); i++) {
        if (!verbs[i]->hidden) {
            printf("  %-10s %s\n", verbs[i]->name, verbs[i]->summary);
        }
    }
    printf("\nnncompress VERB --help lists the options of a verb; nncompress --version.\n\n");
    nnc_help_verb(&nnc_verb_compress);
    printf("\nrecipes: nncompress init MODEL writes one, --recipe FILE runs it; flags override\n"
           "  NNCOMPRESS_<OPTION> variables, and those override the recipe; @FILE stands for\n"
           "  the arguments in a file\n");
    printf("\nexit codes: 0 done, 1 a gate failed, 2 usage, 3 model invalid, 4 unsupported,\n"
           "  5 data, 6 files, 7 limits, 8 device, 9 verification, 70 bug, 128+n signal\n");
}
