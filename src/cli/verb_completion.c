/* nncompress completion: shell completions on standard output. SPDX-License-Identifier: Apache-2.0 */
#include "cli/common.h"
#include "cli/manual.h"

typedef struct completion_options {
    nnc_run_flags run;
} completion_options;

#define OPT_TALK(name, sh, kind, member, meta, help, min, max, choices)                            \
    NNC_OPT(completion_options, name, sh, kind, run.member, meta, help, "Messages", min, max, choices),
static const nnc_option options[] = {
#include "pipeline/options.def"
    {0},
};

static nnc_status print(const char *shell)
{
    nnc_str text = {0};
    nnc_status status = NNC_OK;
    if (!nnc_completion(&text, shell)) {
        status = nnc_error_set(NNC_ERR_USAGE, "'%s' is not bash, zsh or fish", shell);
    }
    status = status == NNC_OK ? nnc_str_status(&text) : status;
    status = status == NNC_OK ? nnc_out(nnc_str_get(&text)) : status;
    nnc_str_deinit(&text);
    return status;
}

static nnc_status run(const nnc_cli *cli)
{
    completion_options o = {0};
    nnc_option_list words = {0};
    nnc_status status = nnc_cli_parse(cli, &nnc_verb_completion, &o, &words, 1, 1);
    if (status == NNC_OK && o.run.json) {
        status = nnc_error_set(NNC_ERR_USAGE, "completion writes a shell script, there is no --json form of it");
    }
    status = status == NNC_OK ? print(words.items[0]) : status;
    nnc_option_list_deinit(&words);
    return status;
}

const nnc_verb nnc_verb_completion = {
    .name = "completion",
    .summary = "prints the completion script of a shell",
    .usage = "completion bash|zsh|fish",
    .examples = "  nncompress completion bash > ~/.local/share/bash-completion/completions/nncompress\n"
                "  nncompress completion fish > ~/.config/fish/completions/nncompress.fish\n",
    .options = options,
    .run = run,
};
