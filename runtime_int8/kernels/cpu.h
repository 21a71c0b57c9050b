/* What the CPU can run. SPDX-License-Identifier: Apache-2.0 */
#ifndef NNRT_KERNELS_CPU_H
#define NNRT_KERNELS_CPU_H

#include "base/error.h"
#include "nnrt.h"

/* Best tier this CPU and NNRT_MAX_ISA allow. Fails: NNC_ERR_USAGE when the variable holds no tier's name
 * (nnrt_isa_best() ignores such a value, so whoever creates a session must call this one). */
nnc_status nnrt_isa_detect(nnrt_isa *out);

#endif
