/* Texts of file errors, shared by the two file sources. SPDX-License-Identifier: Apache-2.0 */
#ifndef NNC_BASE_PATH_ERROR_H
#define NNC_BASE_PATH_ERROR_H

#include "base/error.h"

/* Plain words for an errno value, independent of the locale. */
const char *nnc_errno_text(int error);

#endif
