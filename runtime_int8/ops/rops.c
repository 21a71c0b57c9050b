/* The table of runtime ops. SPDX-License-Identifier: Apache-2.0 */
#include <stddef.h>

#include "runtime_int8/ops/rop.h"

static const nnrt_rop *const table[NNRT_ROP_ID_COUNT] = {
#define ROP(id, number, name, params, min_in, max_in, n_out, host, flags)                          \
    [number] = &nnrt_rop_##name,
#include "runtime_int8/ops/rops.def"
#undef ROP
};

const nnrt_rop *nnrt_rop_find(uint32_t number)
{
    return number < NNRT_ROP_ID_COUNT ? table[number] : NULL;
}
