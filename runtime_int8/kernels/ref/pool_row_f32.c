/* pool_row_f32 from its shared body. SPDX-License-Identifier: Apache-2.0 */
#define NNRT_IMPL ref
#include "runtime_int8/kernels/body/pool_row_f32.h"
