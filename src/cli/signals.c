/* Interruption: the first signal asks, the second one ends. SPDX-License-Identifier: Apache-2.0 */
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "cli/terminal.h"

static volatile sig_atomic_t caught;

static void on_signal(int number)
{
    if (caught) {
        nnc_file_out_abort_all();
        _exit(128 + number);
    }
    caught = number;
}

void nnc_signals_install(void)
{
    struct sigaction action;
    memset(&action, 0, sizeof(action));
    sigemptyset(&action.sa_mask);
    action.sa_handler = on_signal;
    action.sa_flags = SA_RESTART;
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGHUP, &action, NULL);
    action.sa_handler = SIG_IGN;
    sigaction(SIGPIPE, &action, NULL);
    sigaction(SIGXFSZ, &action, NULL);
}

int nnc_signals_caught(void)
{
    return (int)caught;
}
