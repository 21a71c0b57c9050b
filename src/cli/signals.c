/* Interruption: the first signal asks, the second one ends. SPDX-License-Identifier: Apache-2.0 */
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "cli/terminal.h"

static volatile sig_atomic_t caught;
static atomic_flag ending = ATOMIC_FLAG_INIT;

static void on_signal(int number)
{
    if (caught) {
        nnc_file_out_abort_all();
        _exit(128 + number);
    }
    caught = number;
}

/* A mapped file was cut by somebody else while it was read. All reader threads fault at once: the
 * first one speaks and ends the process, the others wait for that. */
static void on_bus_error(int number)
{
    static const char line[] = "nncompress: error[io]: a file became shorter while it was read (exit 6)\n";
    (void)number;
    while (atomic_flag_test_and_set(&ending))
        pause();
    nnc_file_out_abort_all();
    ssize_t written = write(STDERR_FILENO, line, sizeof(line) - 1);
    (void)written;
    _exit(6);
}

/* What was ignored when the program started (nohup, a script's background) stays ignored. */
static void catch(int number, const struct sigaction *action)
{
    struct sigaction old;
    if (sigaction(number, NULL, &old) != 0 || old.sa_handler != SIG_IGN) {
        sigaction(number, action, NULL);
    }
}

void nnc_signals_install(void)
{
    struct sigaction action;
    memset(&action, 0, sizeof(action));
    sigemptyset(&action.sa_mask);
    action.sa_handler = on_signal;
    action.sa_flags = SA_RESTART;
    catch(SIGINT, &action);
    catch(SIGHUP, &action);
    sigaction(SIGTERM, &action, NULL);
    action.sa_handler = on_bus_error;
    sigaction(SIGBUS, &action, NULL);
    action.sa_handler = SIG_IGN;
    sigaction(SIGPIPE, &action, NULL);
    sigaction(SIGXFSZ, &action, NULL);
}

int nnc_signals_caught(void)
{
    return (int)caught;
}
