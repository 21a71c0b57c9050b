/* The command line tool. SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/str.h"
#include "cli/args.h"
#include "cli/terminal.h"
#include "cli/verb.h"

/* Descriptors 0, 1 and 2 exist, so that no output file ever gets one of their numbers. */
static void open_standard_streams(void)
{
    for (int fd = 0; fd < 3; fd++) {
        if (fcntl(fd, F_GETFD) == -1 && errno == EBADF) {
            int opened = open("/dev/null", fd == 0 ? O_RDONLY : O_WRONLY);
            (void)opened;
        }
    }
}

static bool needs_quotes(const char *word)
{
    return word[0] == 0 || strspn(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                        "_-+=./:,#%@") != strlen(word);
}

/* The command as one shell-quoted line. */
static void quote_command(nnc_str *out, int argc, char **argv)
{
    for (int i = 0; i < argc; i++) {
        nnc_str_append(out, i ? " " : "");
        if (!needs_quotes(argv[i])) {
            nnc_str_append(out, argv[i]);
            continue;
        }
        nnc_str_append(out, "'");
        for (const char *c = argv[i]; *c; c++) {
            if (*c == '\'') {
                nnc_str_append(out, "'\\''");
            } else {
                nnc_str_append_n(out, c, 1);
            }
        }
        nnc_str_append(out, "'");
    }
}

static bool is_set(const char *variable)
{
    const char *value = getenv(variable);
    return value && (strcmp(value, "1") == 0 || strcmp(value, "true") == 0);
}

/* Verbosity is needed before the options are parsed: errors in options are messages too. */
static int verbosity(int argc, char **argv)
{
    int level = is_set("NNCOMPRESS_QUIET") ? -1 : is_set("NNCOMPRESS_VERBOSE");
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
        if (strcmp(argv[i], "-v") == 0 || strcmp(argv[i], "--verbose") == 0) {
            level = 1;
        } else if (strcmp(argv[i], "-q") == 0 || strcmp(argv[i], "--quiet") == 0) {
            level = -1;
        }
    }
    return level;
}

/* The log file is needed as early: the last one named counts, as for every option. */
static const char *log_path(int argc, char **argv)
{
    const char *path = getenv("NNCOMPRESS_LOG_FILE");
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
        if (strcmp(argv[i], "--log-file") == 0 && i + 1 < argc) {
            path = argv[++i];
        } else if (strncmp(argv[i], "--log-file=", 11) == 0) {
            path = argv[i] + 11;
        }
    }
    return path && *path ? path : NULL;
}

static bool has_word(int argc, char **argv, const char *word, const char *shorthand)
{
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
        if (strcmp(argv[i], word) == 0 || strcmp(argv[i], shorthand) == 0) {
            return true;
        }
    }
    return false;
}

/* Chooses the verb: the first word if it is one, else compress. */
static const nnc_verb *choose_verb(int argc, char **argv, int *skip)
{
    *skip = 1;
    const nnc_verb *verb = argc > 1 ? nnc_verb_find(argv[1]) : NULL;
    if (verb) {
        *skip = 2;
        return verb;
    }
    return &nnc_verb_compress;
}

static void print_error(nnc_status status)
{
    const char *message = nnc_error_message();
    fprintf(stderr, "nncompress: error[%s]: %s (exit %d)\n", nnc_status_name(status),
            message[0] ? message : "no details", (int)status);
    if (status == NNC_ERR_INTERNAL) {
        fputs("nncompress: this is a bug in nncompress; please report it with the command line\n", stderr);
    }
}

static int finish(nnc_status status)
{
    int number = nnc_signals_caught();
    if (status == NNC_ERR_CANCELLED && number) {
        fputs("nncompress: interrupted; nothing was written\n", stderr);
        signal(number, SIG_DFL);
        raise(number);
    }
    if (status != NNC_OK) {
        print_error(status);
    }
    return (int)status;
}

/* The log's last lines: the error as on the terminal, and the exit code. */
static void end_log(nnc_logfile *file, nnc_status status)
{
    char text[32];
    if (status != NNC_OK) {
        nnc_logfile_line(file, "error", nnc_error_message());
    }
    snprintf(text, sizeof(text), "%d (%s)", (int)status, nnc_status_name(status));
    nnc_logfile_line(file, "exit", text);
    if (!nnc_logfile_close(file)) {
        fputs("warning: --log-file is incomplete: a line could not be written\n", stderr);
    }
}

/* Words that answer without a verb; true if one was given. */
static bool answer_simple(int argc, char **argv)
{
    if (argc == 1) {
        nnc_help_short();
        return true;
    }
    if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "version") == 0) {
        printf("nncompress " NNC_VERSION "\n");
        return true;
    }
    if (strcmp(argv[1], "help") == 0 && argc > 2 && nnc_verb_find(argv[2])) {
        nnc_help_verb(nnc_verb_find(argv[2]));
        return true;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "help") == 0) {
        nnc_help_all();
        return true;
    }
    return false;
}

static int run_main(int argc, char **argv)
{
    if (answer_simple(argc, argv)) {
        nnc_status status = nnc_out_flush();
        return finish(status);
    }
    int skip;
    const nnc_verb *verb = choose_verb(argc, argv, &skip);
    if (has_word(argc, argv, "--help", "-h")) {
        nnc_help_verb(verb);
        return finish(nnc_out_flush());
    }
    nnc_str command = {0};
    quote_command(&command, argc, argv);
    nnc_terminal *terminal = nnc_terminal_create(verbosity(argc, argv), true);
    if (!terminal) {
        return finish(NNC_ERR_LIMIT);
    }
    nnc_logfile *file = NULL;
    const char *path = log_path(argc, argv);
    nnc_status status = path ? nnc_logfile_open(&file, path, nnc_str_get(&command)) : NNC_OK;
    nnc_terminal_set_log(terminal, file);
    nnc_cli cli = {.log = nnc_terminal_log(terminal), .argc = argc - skip, .argv = argv + skip,
                   .command = nnc_str_get(&command), .color = nnc_terminal_color(STDOUT_FILENO),
                   .unicode = nnc_terminal_unicode(),
                   .columns = nnc_terminal_columns()};
    status = status == NNC_OK ? verb->run(&cli) : status;
    nnc_terminal_destroy(terminal);
    nnc_str_deinit(&command);
    if (status == NNC_OK || status == NNC_ERR_GATE) {
        nnc_status flushed = nnc_out_flush();
        status = flushed == NNC_OK ? status : flushed;
    }
    end_log(file, status);
    return finish(status);
}

int main(int argc, char **argv)
{
    open_standard_streams();
    nnc_signals_install();
    nnc_option_list args = {0};
    nnc_status status = argc > 0 ? nnc_args_expand(&args, argc, argv) : NNC_ERR_USAGE;
    int code = status == NNC_OK ? run_main((int)args.count, (char **)(uintptr_t)args.items) : finish(status);
    nnc_option_list_deinit(&args);
    return code;
}
