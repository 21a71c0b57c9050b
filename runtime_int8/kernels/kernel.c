/* The table of kernel rows and the choice of a contract's default. SPDX-License-Identifier: Apache-2.0 */
#include "runtime_int8/kernels/kernel.h"

#include <assert.h>
#include <stddef.h>

#include "runtime_int8/kernels/contracts.h"

static const nnrt_kernel kernel_rows[] = {
#define NNRT_KERNEL(contract, impl, isa, ...)                                                      \
    {NNRT_K_##contract, NNRT_ISA_##isa, #contract "__" #impl,                                      \
     (nnrt_kernel_fn *)nnrt_k_##contract##__##impl, {__VA_ARGS__}},
#include "runtime_int8/kernels/kernels.def"
#undef NNRT_KERNEL
};

const nnrt_kernel *nnrt_kernel_row(uint32_t i)
{
    return i < sizeof(kernel_rows) / sizeof(kernel_rows[0]) ? &kernel_rows[i] : NULL;
}

const nnrt_kernel *nnrt_kernel_find(nnrt_contract contract, nnrt_isa cap)
{
    const nnrt_kernel *row = NULL;
    for (uint32_t i = 0; (row = nnrt_kernel_row(i)) != NULL; i++) {
        if (row->contract == contract && row->isa <= cap && nnrt_isa_supported(row->isa))
            break;
    }
    assert(row != NULL);
    return row;
}
