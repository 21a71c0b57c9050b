/* The table of runtime ops. SPDX-License-Identifier: Apache-2.0 */
#include <stddef.h>

#include "runtime_int8/ops/rop.h"

static const nnrt_rop *const table[NNRT_ROP_ID_COUNT] = {
#define LANDED(id, name) [NNRT_ROP_ID_##id] = &nnrt_rop_##name,
#include "runtime_int8/ops/landed.def"
#undef LANDED
};

const nnrt_rop *nnrt_rop_find(uint32_t number)
{
    return number < NNRT_ROP_ID_COUNT ? table[number] : NULL;
}
