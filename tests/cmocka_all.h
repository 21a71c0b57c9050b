/* cmocka with the headers that it needs before itself. SPDX-License-Identifier: Apache-2.0 */
#ifndef NNC_TESTS_CMOCKA_ALL_H
#define NNC_TESTS_CMOCKA_ALL_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#endif
