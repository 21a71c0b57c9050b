/* Small things that the verbs share. SPDX-License-Identifier: Apache-2.0 */
#include "cli/common.h"

#include "base/mem.h"

nnc_status nnc_cli_parse(const nnc_cli *cli, const nnc_verb *verb, void *options,
                         nnc_option_list *words, size_t min, size_t max)
{
    NNC_TRY(nnc_option_parse(verb->options, nnc_option_count(verb->options), options, cli->argc, cli->argv, words,
                             NULL));
    if (words->count < min || words->count > max) {
        NNC_FAIL(NNC_ERR_USAGE, "%zu file%s given, expected %zu%s. Usage: nncompress %s", words->count,
                 words->count == 1 ? "" : "s", min, max > min ? " or more" : "", verb->usage);
    }
    return NNC_OK;
}

nnc_status nnc_cli_print_json(const nnc_report *report)
{
    nnc_str text = {0};
    nnc_status status = nnc_report_json(&text, report);
    if (status == NNC_OK) {
        status = nnc_out(nnc_str_get(&text));
    }
    nnc_str_deinit(&text);
    return status;
}

int nnc_cli_name_width(size_t columns, int wide, int others)
{
    enum { LEAST = 12 };
    const int room = columns && columns < 1000 ? (int)columns - others : wide;
    return room > wide ? wide : room < LEAST ? LEAST : room;
}

size_t nnc_argmax(const float *x, size_t n)
{
    size_t best = 0;
    for (size_t i = 1; i < n; i++) {
        best = x[i] > x[best] ? i : best;
    }
    return best;
}

void nnc_tensors_free(nnc_tensor *tensors, size_t count)
{
    for (size_t i = 0; tensors && i < count; i++) {
        nnc_tensor_deinit(&tensors[i]);
    }
    nnc_free(tensors);
}
