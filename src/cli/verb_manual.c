/* nncompress manual: what the build installs as manual pages and reference. SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "cli/common.h"
#include "cli/manual.h"

static const nnc_option options[] = {{0}};

static nnc_status make(nnc_str *out, const nnc_option_list *words)
{
    const char *form = words->items[0];
    const nnc_verb *verb = words->count > 1 ? nnc_verb_find(words->items[1]) : NULL;
    if (words->count > 1 && (!verb || verb->hidden)) {
        NNC_FAIL(NNC_ERR_USAGE, "'%s' is no verb", words->items[1]);
    }
    if (strcmp(form, "markdown") == 0) {
        nnc_manual_markdown(out);
    } else if (strcmp(form, "man") == 0) {
        nnc_manual_man(out, verb);
    } else if (strcmp(form, "tables") == 0) {
        nnc_manual_tables(out);
    } else if (strcmp(form, "verbs") == 0) {
        for (size_t i = 0; nnc_verb_row(i); i++) {
            nnc_str_appendf(out, nnc_verb_row(i)->hidden ? "%.0s" : "%s\n", nnc_verb_row(i)->name);
        }
    } else {
        NNC_FAIL(NNC_ERR_USAGE, "'%s' is not markdown, man, tables or verbs", form);
    }
    return nnc_str_status(out);
}

static nnc_status run(const nnc_cli *cli)
{
    nnc_option_list words = {0};
    nnc_str text = {0};
    char none;
    nnc_status status = nnc_cli_parse(cli, &nnc_verb_manual, &none, &words, 1, 2);
    status = status == NNC_OK ? make(&text, &words) : status;
    status = status == NNC_OK ? nnc_out(nnc_str_get(&text)) : status;
    nnc_str_deinit(&text);
    nnc_option_list_deinit(&words);
    return status;
}

const nnc_verb nnc_verb_manual = {
    .name = "manual",
    .summary = "the manual in the forms that the build installs",
    .usage = "manual markdown|tables|verbs|man [VERB]",
    .options = options,
    .run = run,
    .hidden = true,
};
