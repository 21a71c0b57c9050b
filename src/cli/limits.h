/* All documented limits. SPDX-License-Identifier: Apache-2.0 */
#ifndef NNC_CLI_LIMITS_H
#define NNC_CLI_LIMITS_H

#include "base/facts.h"

/* Row i of the folders' tables behind each other; NULL past the end. */
const nnc_limit *nnc_limit_row(size_t i);

#endif
