/* Shell completions from the verb and option tables. SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "cli/manual.h"

static void verb_names(nnc_str *out)
{
    for (size_t i = 0; nnc_verb_row(i); i++) {
        if (!nnc_verb_row(i)->hidden) {
            nnc_str_appendf(out, "%s%s", i ? " " : "", nnc_verb_row(i)->name);
        }
    }
}

/* ---- bash ---- */

static void bash_option_names(nnc_str *out, const nnc_verb *verb)
{
    for (size_t i = 0; verb->options[i].name; i++) {
        const nnc_option *o = &verb->options[i];
        nnc_str_appendf(out, " --%s", o->name);
        if (o->shorthand) {
            nnc_str_appendf(out, " -%c", o->shorthand);
        }
    }
}

static void bash_verb(nnc_str *out, const nnc_verb *verb)
{
    nnc_str_appendf(out, "    %s)\n        options='", verb->name);
    bash_option_names(out, verb);
    nnc_str_append(out, "'\n        case $previous in\n");
    for (size_t i = 0; verb->options[i].name; i++) {
        const nnc_option *o = &verb->options[i];
        nnc_str words = {0};
        nnc_word_kind kind = nnc_option_words(o, &words);
        if (kind != NNC_WORD_NONE) {
            nnc_str_append(out, "        ");
            if (o->shorthand) {
                nnc_str_appendf(out, "-%c | ", o->shorthand);
            }
            nnc_str_appendf(out, "--%s) kind=%s", o->name,
                            kind == NNC_WORD_FILE ? "file" : kind == NNC_WORD_DIR ? "dir" : "words");
            if (kind == NNC_WORD_WORDS) {
                nnc_str_appendf(out, " words='%s'", nnc_str_get(&words));
            }
            nnc_str_append(out, " ;;\n");
        }
        nnc_str_deinit(&words);
    }
    nnc_str_append(out, "        esac ;;\n");
}

static void bash(nnc_str *out)
{
    nnc_str_append(out, "# bash completion of nncompress; made by nncompress completion bash\n_nncompress()\n{\n"
                        "    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}\n"
                        "    local verbs='");
    verb_names(out);
    nnc_str_append(out, "'\n    local verb=compress options= kind= words= word\n"
                        "    # --name=value arrives in three words.\n"
                        "    if [ \"$current\" = = ]; then\n        current=\n"
                        "    elif [ \"$previous\" = = ] && [ \"$COMP_CWORD\" -gt 2 ]; then\n"
                        "        previous=${COMP_WORDS[COMP_CWORD - 2]}\n    fi\n"
                        "    for word in $verbs; do\n"
                        "        [ \"${COMP_WORDS[1]}\" != \"$word\" ] || verb=$word\n    done\n    case $verb in\n");
    for (size_t i = 0; nnc_verb_row(i); i++) {
        if (!nnc_verb_row(i)->hidden) {
            bash_verb(out, nnc_verb_row(i));
        }
    }
    nnc_str_append(out, "    esac\n    COMPREPLY=()\n    if [ \"$kind\" = words ]; then\n"
                        "        COMPREPLY=($(compgen -W \"$words\" -- \"$current\"))\n        return\n    fi\n"
                        "    if [ \"$kind\" = dir ]; then\n        compopt -o filenames\n"
                        "        COMPREPLY=($(compgen -d -- \"$current\"))\n        return\n    fi\n"
                        "    if [ -z \"$kind\" ] && [ \"${current#-}\" != \"$current\" ]; then\n"
                        "        COMPREPLY=($(compgen -W \"$options --help\" -- \"$current\"))\n        return\n    fi\n"
                        "    if [ -z \"$kind\" ] && [ \"$COMP_CWORD\" = 1 ]; then\n"
                        "        COMPREPLY=($(compgen -W \"$verbs\" -- \"$current\"))\n    fi\n"
                        "    if [ -z \"$kind\" ] && [ \"$verb\" = completion ]; then\n"
                        "        COMPREPLY=($(compgen -W 'bash zsh fish' -- \"$current\"))\n        return\n    fi\n"
                        "    compopt -o filenames\n    COMPREPLY+=($(compgen -f -- \"$current\"))\n}\n"
                        "complete -F _nncompress nncompress\n");
}

/* ---- zsh ---- */

/* Inside '...[...]...': quotes end and come again, brackets, colons and backslashes are escaped. */
static void zsh_text(nnc_str *out, const char *text)
{
    for (const char *c = text; *c; c++) {
        if (*c == '\'') {
            nnc_str_append(out, "'\\''");
        } else {
            nnc_str_append(out, strchr("[]:\\", *c) ? "\\" : "");
            nnc_str_append_n(out, c, 1);
        }
    }
}

static void zsh_option(nnc_str *out, const nnc_option *o)
{
    nnc_str words = {0};
    nnc_word_kind kind = nnc_option_words(o, &words);
    const char *takes = kind == NNC_WORD_NONE ? "" : "=", *many = o->type == NNC_OPTION_LIST ? "*" : "";
    nnc_str_append(out, "        ");
    if (o->shorthand) {
        nnc_str_appendf(out, "'(-%c --%s)'{-%c%s,--%s%s}'[", o->shorthand, o->name, o->shorthand, *takes ? "+" : "",
                        o->name, takes);
    } else {
        nnc_str_appendf(out, "'%s--%s%s[", many, o->name, takes);
    }
    zsh_text(out, o->help);
    nnc_str_append(out, "]");
    if (kind != NNC_WORD_NONE) {
        nnc_str_append(out, ":");
        zsh_text(out, o->metavar ? o->metavar : "value");
        nnc_str_append(out, kind == NNC_WORD_FILE ? ":_files" : kind == NNC_WORD_DIR ? ":_files -/" : ":");
        if (kind == NNC_WORD_WORDS) {
            nnc_str_appendf(out, "(%s)", nnc_str_get(&words));
        }
    }
    nnc_str_append(out, "' \\\n");
    nnc_str_deinit(&words);
}

static void zsh(nnc_str *out)
{
    nnc_str_append(out, "#compdef nncompress\n# zsh completion of nncompress; made by nncompress completion zsh\n"
                        "_nncompress() {\n    local verb=compress\n    local -a verbs\n    verbs=(\n");
    for (size_t i = 0; nnc_verb_row(i); i++) {
        const nnc_verb *verb = nnc_verb_row(i);
        if (!verb->hidden) {
            nnc_str_appendf(out, "        '%s:", verb->name);
            zsh_text(out, verb->summary);
            nnc_str_append(out, "'\n");
        }
    }
    nnc_str_append(out, "    )\n    if (( CURRENT == 2 )) && [[ $words[2] != -* ]]; then\n"
                        "        _describe verb verbs\n        _files\n        return\n    fi\n"
                        "    if (( ${verbs[(I)${words[2]}:*]} )); then\n        verb=$words[2]\n"
                        "        shift words\n        (( CURRENT-- ))\n    fi\n    case $verb in\n");
    for (size_t i = 0; nnc_verb_row(i); i++) {
        const nnc_verb *verb = nnc_verb_row(i);
        if (verb->hidden) {
            continue;
        }
        nnc_str_appendf(out, "    %s) _arguments -s \\\n", verb->name);
        for (size_t k = 0; verb->options[k].name; k++) {
            zsh_option(out, &verb->options[k]);
        }
        nnc_str_append(out, strcmp(verb->name, "completion") == 0 ? "        '*:shell:(bash zsh fish)' ;;\n"
                                                                  : "        '*:file:_files' ;;\n");
    }
    nnc_str_append(out, "    esac\n}\n_nncompress \"$@\"\n");
}

/* ---- fish ---- */

static void fish_text(nnc_str *out, const char *text)
{
    nnc_str_append(out, "'");
    for (const char *c = text; *c; c++) {
        nnc_str_append(out, *c == '\'' || *c == '\\' ? "\\" : "");
        nnc_str_append_n(out, c, 1);
    }
    nnc_str_append(out, "'");
}

static void fish_option(nnc_str *out, const nnc_verb *verb, const nnc_option *o)
{
    nnc_str words = {0};
    nnc_word_kind kind = nnc_option_words(o, &words);
    nnc_str_appendf(out, "complete -c nncompress -n '__nncompress_verb %s' -l %s", verb->name, o->name);
    if (o->shorthand) {
        nnc_str_appendf(out, " -s %c", o->shorthand);
    }
    switch (kind) {
    case NNC_WORD_NONE:
        break;
    case NNC_WORD_FREE:
        nnc_str_append(out, " -x");
        break;
    case NNC_WORD_FILE:
        nnc_str_append(out, " -r -F");
        break;
    case NNC_WORD_DIR:
        nnc_str_append(out, " -x -a '(__fish_complete_directories)'");
        break;
    case NNC_WORD_WORDS:
        nnc_str_appendf(out, " -x -a '%s'", nnc_str_get(&words));
        break;
    }
    nnc_str_append(out, " -d ");
    fish_text(out, o->help);
    nnc_str_append(out, "\n");
    nnc_str_deinit(&words);
}

static void fish(nnc_str *out)
{
    nnc_str_append(out, "# fish completion of nncompress; made by nncompress completion fish\n"
                        "function __nncompress_verb\n    set -l words (commandline -opc)\n    set -l verb compress\n"
                        "    if set -q words[2]; and contains -- $words[2] ");
    verb_names(out);
    nnc_str_append(out, "\n        set verb $words[2]\n    end\n    contains -- $verb $argv\nend\n"
                        "function __nncompress_first\n    test (count (commandline -opc)) -eq 1\nend\n");
    for (size_t i = 0; nnc_verb_row(i); i++) {
        const nnc_verb *verb = nnc_verb_row(i);
        if (verb->hidden) {
            continue;
        }
        nnc_str_appendf(out, "complete -c nncompress -n __nncompress_first -a %s -d ", verb->name);
        fish_text(out, verb->summary);
        nnc_str_append(out, "\n");
        for (size_t k = 0; verb->options[k].name; k++) {
            fish_option(out, verb, &verb->options[k]);
        }
    }
    nnc_str_append(out, "complete -c nncompress -n '__nncompress_verb completion' -f -a 'bash zsh fish'\n");
}

bool nnc_completion(nnc_str *out, const char *shell)
{
    if (strcmp(shell, "bash") == 0) {
        bash(out);
    } else if (strcmp(shell, "zsh") == 0) {
        zsh(out);
    } else if (strcmp(shell, "fish") == 0) {
        fish(out);
    } else {
        return false;
    }
    return true;
}
