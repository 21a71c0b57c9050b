/* Standard streams for static libraries inside a shared library. SPDX-License-Identifier: Apache-2.0
 * Debian's static libraries are built for programs: they address libc's stream variables directly, which a shared library may not
 * (R_X86_64_PC32). The linker turns those into these constants (--wrap); the streams themselves are public symbols of glibc. */
#include <stdio.h>

extern FILE _IO_2_1_stdin_, _IO_2_1_stdout_, _IO_2_1_stderr_;
extern FILE *const __wrap_stdin, *const __wrap_stdout, *const __wrap_stderr;
FILE *const __wrap_stdin = &_IO_2_1_stdin_;
FILE *const __wrap_stdout = &_IO_2_1_stdout_;
FILE *const __wrap_stderr = &_IO_2_1_stderr_;
