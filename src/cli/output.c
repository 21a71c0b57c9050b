/* Standard output, checked. SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "cli/verb.h"

static nnc_status check(int result)
{
    if (result >= 0 && !ferror(stdout)) {
        return NNC_OK;
    }
    if (errno == EPIPE) {
        return NNC_OK; /* the reader has seen enough */
    }
    NNC_FAIL(NNC_ERR_IO, "standard output: %s", strerror(errno));
}

nnc_status nnc_out(const char *text)
{
    errno = 0;
    return check(fputs(text, stdout));
}

nnc_status nnc_outf(const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    errno = 0;
    int n = vfprintf(stdout, fmt, args);
    va_end(args);
    return check(n);
}

nnc_status nnc_out_flush(void)
{
    errno = 0;
    return check(fflush(stdout));
}
