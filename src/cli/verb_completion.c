/* nncompress completion: shell completions on standard output. SPDX-License-Identifier: Apache-2.0 */
#include "cli/common.h"
#include "cli/manual.h"

typedef struct completion_options {
    bool quiet, verbose;
    const char *log_file;
} completion_options;

static const nnc_option options[] = {
    NNC_OPT(completion_options, "quiet", 'q', FLAG, quiet, NULL, "warnings and results only", "Messages", 0, 0, NULL),
    NNC_OPT(completion_options, "verbose", 'v', FLAG, verbose, NULL, "say more", "Messages", 0, 0, NULL),
    NNC_OPT(completion_options, "log-file", 0, STRING, log_file, "FILE",
            "append all messages there, with times, whatever -q and -v say", "Messages", 0, 0, NULL),
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
    status = status == NNC_OK ? print(words.items[0]) : status;
    nnc_option_list_deinit(&words);
    return status;
}

const nnc_verb nnc_verb_completion = {
    .name = "completion",
    .summary = "prints the completion script of a shell",
    .usage = "completion bash|zsh|fish",
    .examples = "  . <(nncompress completion bash)\n"
                "  nncompress completion fish >~/.config/fish/completions/nncompress.fish\n",
    .options = options,
    .run = run,
};
