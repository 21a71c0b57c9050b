/* Messages and progress on standard error. SPDX-License-Identifier: Apache-2.0 */
#include "cli/terminal.h"

#include <langinfo.h>
#include <locale.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"

struct nnc_terminal {
    nnc_log log;
    int level;
    bool progress, tty, line_shown;
    char stage[32];
    struct timespec stage_start, last_shown;
    unsigned last_percent;
    nnc_logfile *file;
    char filed_stage[32]; /* stage that the log has the start of */
    uint64_t filed_done;  /* its work that the log has the end of; stages come again */
    pthread_mutex_t lock;
};

static double seconds_since(const struct timespec *from)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)(now.tv_sec - from->tv_sec) + 1e-9 * (double)(now.tv_nsec - from->tv_nsec);
}

void nnc_terminal_clear(nnc_terminal *terminal)
{
    if (terminal->line_shown) {
        fputs("\r\033[K", stderr);
        terminal->line_shown = false;
    }
}

static void on_message(void *user, nnc_log_level level, const char *text)
{
    nnc_terminal *t = user;
    bool shown = level == NNC_LOG_WARN || (level == NNC_LOG_INFO ? t->level >= 0 : t->level > 0);
    pthread_mutex_lock(&t->lock);
    nnc_logfile_line(t->file, level == NNC_LOG_WARN ? "warn" : level == NNC_LOG_INFO ? "info" : "debug", text);
    if (shown) {
        nnc_terminal_clear(t);
        fprintf(stderr, "%s%s\n", level == NNC_LOG_WARN ? "warning: " : "", text);
    }
    pthread_mutex_unlock(&t->lock);
}

static void show_progress(nnc_terminal *t, const char *stage, uint64_t done, uint64_t total,
                          const char *unit)
{
    double elapsed = seconds_since(&t->stage_start);
    double left = done ? elapsed * (double)(total - done) / (double)done : 0;
    char eta[32] = "";
    if (done && done < total && elapsed > 1) {
        snprintf(eta, sizeof(eta), ", %.0f s left", left);
    }
    fprintf(stderr, "%s%-10s %3u %% (%llu/%llu %s%s)%s", t->tty ? "\r\033[K" : "", stage,
            (unsigned)(total ? done * 100 / total : 0), (unsigned long long)done,
            (unsigned long long)total, unit, eta, t->tty ? "" : "\n");
    fflush(stderr);
    t->line_shown = t->tty;
    clock_gettime(CLOCK_MONOTONIC, &t->last_shown);
}

/* The log has the start and the end of every stage. Called with the lock. */
static void file_progress(nnc_terminal *t, const char *stage, uint64_t done, uint64_t total, const char *unit)
{
    bool fresh = strncmp(t->filed_stage, stage, sizeof(t->filed_stage) - 1) != 0 || done < t->filed_done;
    if (t->file && (fresh || (done == total && done != t->filed_done))) {
        char text[128];
        snprintf(text, sizeof(text), "%s %llu of %llu %s", stage, (unsigned long long)done,
                 (unsigned long long)total, unit);
        nnc_logfile_line(t->file, "stage", text);
    }
    snprintf(t->filed_stage, sizeof(t->filed_stage), "%s", stage);
    t->filed_done = done;
}

static void show_stage(nnc_terminal *t, const char *stage, uint64_t done, uint64_t total, const char *unit)
{
    bool fresh = strncmp(t->stage, stage, sizeof(t->stage) - 1) != 0;
    if (fresh) {
        nnc_terminal_clear(t);
        snprintf(t->stage, sizeof(t->stage), "%s", stage);
        clock_gettime(CLOCK_MONOTONIC, &t->stage_start);
        t->last_shown = t->stage_start;
        t->last_percent = 0;
    }
    unsigned percent = (unsigned)(total ? done * 100 / total : 0);
    double since = seconds_since(&t->last_shown);
    if (t->tty) {
        if (since > 0.1 || done == total) {
            show_progress(t, stage, done, total, unit);
        }
        if (done == total) {
            nnc_terminal_clear(t);
        }
    } else if (since > 10 && percent >= t->last_percent + 1) {
        show_progress(t, stage, done, total, unit);
        t->last_percent = percent;
    }
}

static void on_progress(void *user, const char *stage, uint64_t done, uint64_t total,
                        const char *unit)
{
    nnc_terminal *t = user;
    pthread_mutex_lock(&t->lock);
    file_progress(t, stage, done, total, unit);
    if (t->progress && t->level >= 0) {
        show_stage(t, stage, done, total, unit);
    }
    pthread_mutex_unlock(&t->lock);
}

static bool on_cancelled(void *user)
{
    (void)user;
    return nnc_signals_caught() != 0;
}

nnc_terminal *nnc_terminal_create(int level, bool progress)
{
    nnc_terminal *t = nnc_calloc(1, sizeof(*t));
    if (!t) {
        return NULL;
    }
    t->level = level;
    t->progress = progress;
    const char *term = getenv("TERM");
    t->tty = isatty(STDERR_FILENO) && term && strcmp(term, "dumb") != 0;
    t->log = (nnc_log){on_message, on_progress, on_cancelled, t};
    pthread_mutex_init(&t->lock, NULL);
    return t;
}

void nnc_terminal_destroy(nnc_terminal *t)
{
    if (t) {
        nnc_terminal_clear(t);
        pthread_mutex_destroy(&t->lock);
        nnc_free(t);
    }
}

void nnc_terminal_set_log(nnc_terminal *t, nnc_logfile *file)
{
    t->file = file;
}

const nnc_log *nnc_terminal_log(nnc_terminal *t)
{
    return &t->log;
}

bool nnc_terminal_color(int fd)
{
    const char *force = getenv("CLICOLOR_FORCE"), *no = getenv("NO_COLOR"), *term = getenv("TERM");
    if (no && no[0]) {
        return false;
    }
    if (force && force[0] && strcmp(force, "0") != 0) {
        return true;
    }
    return isatty(fd) && term && strcmp(term, "dumb") != 0;
}

bool nnc_terminal_unicode(void)
{
    /* The locale is asked for its character set alone; numbers stay in the C locale. */
    locale_t locale = newlocale(LC_CTYPE_MASK, "", (locale_t)0);
    if (!locale) {
        return false;
    }
    bool utf8 = strcmp(nl_langinfo_l(CODESET, locale), "UTF-8") == 0;
    freelocale(locale);
    return utf8;
}

size_t nnc_terminal_columns(void)
{
    struct winsize size;
    return isatty(STDOUT_FILENO) && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}
