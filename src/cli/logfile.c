/* --log-file: every message with its time. SPDX-License-Identifier: Apache-2.0 */
#include "cli/logfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/str.h"

#define HEADING "# nncompress log"

struct nnc_logfile {
    int fd;
    bool failed;
};

/* True for pipes and devices, empty files, and files that start with the heading. */
static bool is_log(int fd)
{
    char start[sizeof(HEADING) - 1];
    struct stat st;
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || st.st_size == 0) {
        return true;
    }
    return pread(fd, start, sizeof(start), 0) == (ssize_t)sizeof(start) &&
           memcmp(start, HEADING, sizeof(start)) == 0;
}

static int open_append(const char *path)
{
    const int flags = O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY;
    int fd = open(path, O_RDWR | O_NONBLOCK | flags, 0666);
    if (fd < 0 && (errno == EACCES || errno == EPERM)) {
        fd = open(path, O_WRONLY | O_NONBLOCK | flags, 0666); /* a device that may only be written */
    }
    if (fd >= 0) {
        (void)fcntl(fd, F_SETFL, O_APPEND); /* waits from here on */
    }
    return fd;
}

nnc_status nnc_logfile_open(nnc_logfile **out, const char *path, const char *command)
{
    nnc_logfile *file = nnc_calloc(1, sizeof(*file));
    if (!file) {
        return NNC_ERR_LIMIT;
    }
    file->fd = open_append(path);
    if (file->fd < 0) {
        nnc_free(file);
        NNC_FAIL(NNC_ERR_IO, "--log-file: cannot open '%s': %s", path, strerror(errno));
    }
    if (!is_log(file->fd)) {
        close(file->fd);
        nnc_free(file);
        NNC_FAIL(NNC_ERR_IO, "--log-file: '%s' exists and is no log of nncompress; it is left alone", path);
    }
    nnc_str heading = {0};
    nnc_str_append(&heading, HEADING " " NNC_VERSION ": ");
    nnc_str_append_printable(&heading, command, 0);
    nnc_str_append(&heading, "\n");
    file->failed = nnc_str_status(&heading) != NNC_OK ||
                   write(file->fd, heading.data, heading.len) != (ssize_t)heading.len;
    nnc_str_deinit(&heading);
    *out = file;
    return NNC_OK;
}

void nnc_logfile_line(nnc_logfile *file, const char *level, const char *text)
{
    if (!file) {
        return;
    }
    char line[4352];
    struct timespec now;
    struct tm utc;
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);
    size_t n = strftime(line, sizeof(line), "%Y-%m-%dT%H:%M:%S", &utc);
    int rest = snprintf(line + n, sizeof(line) - n, ".%03ldZ %-5s %s\n", now.tv_nsec / 1000000, level, text);
    n += rest > 0 ? (size_t)rest : 0;
    if (n >= sizeof(line)) {
        n = sizeof(line) - 1;
        line[n - 1] = '\n';
    }
    /* One write per line: several processes may share the file. */
    file->failed |= write(file->fd, line, n) != (ssize_t)n;
}

bool nnc_logfile_close(nnc_logfile *file)
{
    if (!file) {
        return true;
    }
    bool good = close(file->fd) == 0 && !file->failed;
    nnc_free(file);
    return good;
}
